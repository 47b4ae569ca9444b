/**
 * The rules by which a peer gets a place in a full active view. HyParView lets every request of high priority replace a random
 * neighbour (p. 7), so a few strangers that ask everybody once and pass on nothing would take all places of a swarm. Here places are
 * kept for vouched peers, strangers replace strangers, and only at a limited rate (DEVIATIONS.md, "kept places").
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { TopicIo } from "./Event.ts"
import { IndexedSet } from "./IndexedSet.ts"
import type { PeerKey } from "./Message.ts"

/** Vouched peers that a topic remembers: those of some 40 records. */
export const MAX_VOUCHED = 256

/** Peers of the application's last Joins and Connects that are remembered. */
export const MAX_INVITED = 64

/** Time in which a peer that the application asked may answer, in ms: a dial with its lookups takes up to 10 s, and may be repeated. */
const INVITATION_MS = 30_000

/**
 * Neighbours that strangers may replace: this many at once, so that a crowd of newcomers gets in (1,000 nodes that join through ten in
 * the same instant need some 200 at each of the ten), then so many a second.
 */
const STRANGER_BURST = 256
const STRANGERS_PER_SECOND = 1

/**
 * A stranger that was replaced and had passed on nothing gets no other neighbour's place for this time, in ms: otherwise a few keys that
 * ask again as soon as they are sent away would push out every member that is not vouched for yet. So many of them are remembered.
 */
const REPLACED_MS = 10_000
export const MAX_REPLACED = 256

/**
 * Guests: neighbours beyond the active view's capacity, for peers that were sent away and keep coming back, because no other peer can be
 * dialled by them. Without these places they would push each other out for ever (DEVIATIONS.md, "guests"). A peer is one after it was sent
 * away so often, each time within `RETURN_MS`. Strangers need more returns, and vouched peers take their places.
 */
export const MAX_GUESTS = 20
const RETURNS = 2
const STRANGER_RETURNS = 3
const RETURN_MS = 60_000
/** Where there is no room for a guest, such a peer gets a neighbour's place only this long after it was sent away last, in ms. */
const CROWDED_MS = 30_000
/** Peers sent away that are remembered. */
export const MAX_SENT_AWAY = 256

/** Of the merges that a node with enough neighbours makes, one in this time may replace a neighbour. */
const MERGE_MS = 300_000

/** The answer to a request: a place that is free, the place of a neighbour, one beyond the capacity, or none. */
export type Place<P> =
  | { readonly _tag: "Free" }
  | { readonly _tag: "Replace"; readonly victim: P }
  /** `victim`: a guest that leaves for it. */
  | { readonly _tag: "Guest"; readonly victim: P | undefined }
  | undefined

const FREE = { _tag: "Free" } as const

export class Admission<P extends PeerKey> {
  private readonly io: Pick<TopicIo<P>, "me" | "rng" | "now" | "hasDelivered">
  private readonly active: IndexedSet<P>
  private readonly capacity: number
  /** Vouched neighbours that are few enough to replace a stranger at a request of low priority: up to half of the view. */
  private readonly keptPlaces: number
  /** Known members; the least recently vouched one leaves first. */
  private readonly vouchedPeers = new BoundedMap<P, true>(MAX_VOUCHED)
  /** Peers that the application asked, and the kind and time of that. */
  private readonly invitations = new BoundedMap<P, { readonly isMerge: boolean; readonly at: number }>(MAX_INVITED)
  /** Silent strangers that were replaced, and when. */
  private readonly replacedAt = new BoundedMap<P, number>(MAX_REPLACED)
  /** Neighbours beyond the capacity, in the order in which they came. */
  private readonly guestPeers = new Set<P>()
  /** Peers that were replaced or refused, how often, and when last. */
  private readonly sentAway = new BoundedMap<P, { readonly times: number; readonly at: number }>(MAX_SENT_AWAY)
  private readonly strangers = new TokenBucket(STRANGER_BURST, STRANGERS_PER_SECOND)
  private readonly merges = new TokenBucket(1, 1_000 / MERGE_MS)

  constructor(options: {
    readonly io: Pick<TopicIo<P>, "me" | "rng" | "now" | "hasDelivered">
    readonly active: IndexedSet<P>
    readonly capacity: number
  }) {
    this.io = options.io
    this.active = options.active
    this.capacity = options.capacity
    this.keptPlaces = (options.capacity + 1) >> 1
  }

  /** Whether the peer keeps coming back while all places, those of guests too, are taken: it would push out one that does the same. */
  private isCrowding(peer: P): boolean {
    const away = this.sentAway.get(peer)
    return (
      away !== undefined &&
      away.times >= RETURNS &&
      this.guestPeers.size >= MAX_GUESTS &&
      this.io.now - away.at < CROWDED_MS
    )
  }

  /** Remembers that these peers are members. Returns those that were not vouched for before and are no neighbours. */
  vouchFor(peers: Iterable<P>): ReadonlyArray<P> {
    const added: Array<P> = []
    for (const peer of peers) {
      if (peer === this.io.me) continue
      if (!this.vouchedPeers.has(peer) && !this.active.has(peer)) added.push(peer)
      this.vouchedPeers.set(peer, true)
    }
    return added
  }

  isVouched(peer: P): boolean {
    return this.vouchedPeers.has(peer)
  }

  get vouched(): ReadonlyMap<P, true> {
    return this.vouchedPeers
  }

  get invited(): ReadonlyMap<P, unknown> {
    return this.invitations
  }

  get replaced(): ReadonlyMap<P, unknown> {
    return this.replacedAt
  }

  get guests(): ReadonlySet<P> {
    return this.guestPeers
  }

  get away(): ReadonlyMap<P, unknown> {
    return this.sentAway
  }

  addGuest(peer: P): void {
    this.guestPeers.add(peer)
  }

  /** The peer is no neighbour any more. */
  removeGuest(peer: P): void {
    this.guestPeers.delete(peer)
  }

  /** A neighbour's place is free, and nobody takes it at once: the guest that has been here longest does. */
  promoteGuest(): void {
    for (const peer of this.guestPeers) {
      if (this.isFull) return
      this.guestPeers.delete(peer)
    }
  }

  /** Whether all places are taken; guests have none. */
  private get isFull(): boolean {
    return this.active.size - this.guestPeers.size >= this.capacity
  }

  private noteSentAway(peer: P): void {
    const before = this.sentAway.get(peer)
    const { now } = this.io
    const times = before !== undefined && now - before.at < RETURN_MS ? before.times + 1 : 1
    this.sentAway.set(peer, { times, at: now })
  }

  /** A place beyond the capacity for a peer that was sent away again and again. */
  private guestPlace(peer: P): Place<P> {
    const away = this.sentAway.get(peer)
    if (away === undefined || this.io.now - away.at >= RETURN_MS) return undefined
    const isMember = this.isVouched(peer)
    if (away.times < (isMember ? RETURNS : STRANGER_RETURNS)) return undefined
    if (this.guestPeers.size < MAX_GUESTS) return { _tag: "Guest", victim: undefined }
    const victim = isMember ? [...this.guestPeers].find((guest) => !this.isVouched(guest)) : undefined
    return victim === undefined ? undefined : { _tag: "Guest", victim }
  }

  /** The application asks this peer to be our neighbour. `isMerge`: for a link into another part of the swarm. */
  invite(peer: P, isMerge: boolean): void {
    this.invitations.set(peer, { isMerge, at: this.io.now })
  }

  /** Whether the application asked this peer a short time ago. */
  isInvited(peer: P): boolean {
    const invitation = this.invitations.get(peer)
    return invitation !== undefined && this.io.now - invitation.at < INVITATION_MS
  }

  /** Whether a link into another part of the swarm may be asked for: it needs no place of a neighbour, or there was none lately. */
  mayMerge(): boolean {
    return !this.mergeCosts() || this.merges.has(this.io.now)
  }

  /** Whether fewer vouched neighbours than kept places are there. */
  get lacksVouched(): boolean {
    return this.vouchedCount() < this.keptPlaces
  }

  /** Whether no neighbour is vouched for. */
  get hasNoMember(): boolean {
    return this.vouchedCount() === 0
  }

  /** The vouched neighbours that a full view lacks. */
  get lackingMembers(): number {
    return !this.isFull ? 0 : Math.max(0, this.keptPlaces - this.vouchedCount())
  }

  /** Vouched peers that are neither neighbours nor excluded, each choice equally likely. */
  otherMembers(count: number, excluded: (peer: P) => boolean): ReadonlyArray<P> {
    const members = new IndexedSet<P>()
    for (const peer of this.vouchedPeers.keys()) if (!this.active.has(peer) && !excluded(peer)) members.add(peer)
    return members.sample(this.io.rng, count)
  }

  /** Whether a request of high priority from this peer, which is no neighbour, would get a place now. */
  mayAdmit(peer: P): boolean {
    return !this.isPushing(peer) && (!this.costsStranger(peer) || this.strangers.has(this.io.now))
  }

  /** The place for a peer that is no neighbour. If it is that of a neighbour, it counts against the budgets. */
  placeFor(peer: P, priority: "high" | "low"): Place<P> {
    if (!this.isFull) return FREE
    const isLackedMember = this.lacksVouched && this.isVouched(peer)
    if (priority === "low" && !isLackedMember) return undefined
    const asGuest = priority === "high" ? this.guestPlace(peer) : undefined
    if (asGuest !== undefined) return asGuest
    if (this.isCrowding(peer)) return undefined
    const victim = this.takePlace(peer)
    if (victim !== undefined || priority === "high") this.noteSentAway(victim ?? peer)
    return victim === undefined ? undefined : { _tag: "Replace", victim }
  }

  /** The neighbour that gives its place to the peer, if the budgets allow it. */
  private takePlace(peer: P): P | undefined {
    const { now } = this.io
    const isMerge = this.isInvited(peer) && this.invitations.get(peer)?.isMerge === true && this.mergeCosts()
    if (isMerge && !this.merges.take(now)) return undefined
    if (this.isPushing(peer)) return undefined
    if (this.costsStranger(peer) && !this.strangers.take(now)) return undefined
    const victim = this.victim()
    if (!this.isVouched(victim) && !this.io.hasDelivered(victim)) this.replacedAt.set(victim, now)
    return victim
  }

  /** Whether this stranger was replaced a moment ago, and wants the place of another neighbour. */
  private isPushing(peer: P): boolean {
    if (!this.isFull || this.isVouched(peer) || this.isInvited(peer)) return false
    const at = this.replacedAt.get(peer)
    return at !== undefined && this.io.now - at < REPLACED_MS
  }

  /**
   * The neighbour to replace: a stranger that has passed on no payload, else any stranger, else, if all are vouched for, any. Among these
   * each is equally likely, as in the paper. So strangers get one place where members have all five.
   */
  private victim(): P {
    const { active, guestPeers, io } = this
    // A guest would be back at once.
    const isKept = (peer: P) => guestPeers.has(peer) || this.isVouched(peer)
    return (
      active.pickExcept(io.rng, (peer) => isKept(peer) || io.hasDelivered(peer)) ??
      active.pickExcept(io.rng, isKept) ??
      (active.pickExcept(io.rng, (peer) => guestPeers.has(peer)) as P)
    )
  }

  /** Whether the place of this peer counts against the budget of strangers: where there is a member to protect, and none asks. */
  private costsStranger(peer: P): boolean {
    if (!this.isFull || this.isVouched(peer) || this.isInvited(peer)) return false
    return this.vouchedCount() > 0
  }

  /** Merges are limited for a node that has all its neighbours, one of them a member, and no silent stranger among them. */
  private mergeCosts(): boolean {
    if (!this.isFull || this.vouchedCount() === 0) return false
    return this.active.values.every((peer) => this.isVouched(peer) || this.io.hasDelivered(peer))
  }

  private vouchedCount(): number {
    let count = 0
    for (const peer of this.active.values) if (this.isVouched(peer)) count++
    return count
  }
}
