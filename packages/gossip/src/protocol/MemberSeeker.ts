/**
 * Seeks members for a full view that has few of them: when members are vouched for, and after waits that double (DEVIATIONS.md, "kept
 * places"). It decides whom to ask and when; HyParView sends the requests.
 */
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { Admission } from "./Admission.ts"
import type { TopicIo } from "./Event.ts"
import type { Neighbor, PeerKey } from "./Message.ts"

/**
 * Waits of a node whose full view has few members until it asks some for a link, in ms: the first, and the longest. Each is twice as long
 * as the one before. In the first two rounds it asks as many as it lacks, then one: a large swarm has more members than records can name,
 * and most of them refuse. A node that has no member among its neighbours may hear nobody: its first wait is shorter, and in the first two
 * rounds one of those that it asks cannot refuse.
 */
const FIRST_SEEK_MS = 2_000
const LONE_SEEK_MS = 250
const MAX_SEEK_MS = 256_000
const WIDE_SEEKS = 2
/** A member that becomes a neighbour sets the waits back to the shortest, once in this time, in ms. */
const FRESH_SEEKS_MS = 10_000
/** Members that are asked as soon as they are vouched for: this many at once, then one in this time, in ms. */
const NEW_MEMBER_BURST = 6
const NEW_MEMBER_MS = 20_000

export interface MemberSeekerOptions<P extends PeerKey> {
  readonly io: Pick<TopicIo<P>, "now" | "schedule">
  readonly admission: Admission<P>
  /** Whether a request to the peer waits for its answer. */
  readonly isPending: (peer: P) => boolean
  readonly request: (peer: P, priority: Neighbor["priority"]) => void
}

export class MemberSeeker<P extends PeerKey> {
  isScheduled = false
  private readonly options: MemberSeekerOptions<P>
  /** The rounds of asking members since the view had enough of them. */
  private rounds = 0
  private readonly newMemberRequests = new TokenBucket(NEW_MEMBER_BURST, 1_000 / NEW_MEMBER_MS)
  private readonly freshSeeks = new TokenBucket(1, 1_000 / FRESH_SEEKS_MS)

  constructor(options: MemberSeekerOptions<P>) {
    this.options = options
  }

  /** These peers were just vouched for and are no neighbours. The other side may know us for longer, and wait for our request. */
  membersAdded(added: ReadonlyArray<P>): void {
    const { admission, io, request } = this.options
    const lacking = admission.lackingMembers
    for (let i = 0; i < lacking && i < added.length; i++) {
      if (this.newMemberRequests.take(io.now)) request(added[i]!, this.priority(i))
    }
    this.seekLater()
  }

  /** The peer became a neighbour. */
  neighborAdded(peer: P): void {
    const { admission, io } = this.options
    // A small topic has fewer members than places are kept for, so that its nodes never stop to seek.
    if (admission.isVouched(peer) && this.freshSeeks.take(io.now)) this.rounds = 0
    this.seekLater()
  }

  /** Asks members for a link if the full view still lacks them. */
  onTimer(): void {
    const { admission, isPending, request } = this.options
    this.isScheduled = false
    const lacking = admission.lackingMembers
    if (lacking === 0) return
    const count = this.rounds < WIDE_SEEKS ? lacking : 1
    for (const [i, peer] of admission.otherMembers(count, isPending).entries()) request(peer, this.priority(i))
    this.rounds++
    this.seekLater()
  }

  /** The priority for number `index` of the members that are asked together. */
  private priority(index: number): Neighbor["priority"] {
    return index === 0 && this.rounds < WIDE_SEEKS && this.options.admission.hasNoMember ? "high" : "low"
  }

  private seekLater(): void {
    const { admission, io } = this.options
    if (this.isScheduled) return
    if (admission.lackingMembers === 0) {
      // A view with a free place is no sign: it fills again.
      if (!admission.lacksVouched) this.rounds = 0
      return
    }
    if (admission.otherMembers(1, () => false).length === 0) return
    this.isScheduled = true
    const firstMs = admission.hasNoMember ? LONE_SEEK_MS : FIRST_SEEK_MS
    io.schedule(Math.min(MAX_SEEK_MS, firstMs * 2 ** this.rounds), { _tag: "SeekMember" })
  }
}
