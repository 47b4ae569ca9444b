/**
 * The rules by which peers may name other peers to us: who may, how many names that are new to us, and how many messages that travel on.
 * A stranger could otherwise make the node dial and look up any number of peers, and fill its contacts (DEVIATIONS.md, "introductions",
 * "new names", "walks").
 */
import type { TopicIo } from "./Event.ts"
import type { PeerInfo, PeerKey } from "./Message.ts"
import { NameBudget } from "./NameBudget.ts"

/** Time after our own Shuffle in which its answer is taken, in ms: some eight messages, at most, and a dial. */
const SHUFFLE_REPLY_MS = 10_000

/** Names that a lookup counts as, in addition to its own. */
const LOOKUP_NAMES = 3

/** The views, as far as introductions depend on them. */
export interface KnownPeers<P> {
  /** Whether the peer is a neighbour, or has been asked to become one. */
  readonly isTied: (peer: P) => boolean
  readonly isContact: (peer: P) => boolean
  readonly isVouched: (peer: P) => boolean
  /** Whether the application asked the peer a short time ago. */
  readonly isInvited: (peer: P) => boolean
}

export class Introductions<P extends PeerKey> {
  readonly budget: NameBudget<P>
  private readonly io: TopicIo<P>
  private readonly peers: KnownPeers<P>
  private readonly maxNames: number
  /** The time of our last Shuffle that no peer has answered. */
  private unansweredShuffleAt = Number.NEGATIVE_INFINITY

  /** `maxNames`: the names that are taken from one message. */
  constructor(options: { readonly io: TopicIo<P>; readonly peers: KnownPeers<P>; readonly maxNames: number }) {
    this.io = options.io
    this.peers = options.peers
    this.maxNames = options.maxNames
    this.budget = new NameBudget(options.io)
  }

  shuffleSent(): void {
    this.unansweredShuffleAt = this.io.now
  }

  /** Whether a ForwardJoin or Shuffle of the peer is handled. It is counted. */
  takeWalk(from: P): boolean {
    return this.isIntroducer(from) && this.budget.takeWalk(from)
  }

  /** Whether a ShuffleReply of the peer is handled. Any node at the end of our walk may answer a Shuffle, but only one. */
  takeReply(from: P): boolean {
    if (this.isIntroducer(from)) return true
    if (this.io.now - this.unansweredShuffleAt >= SHUFFLE_REPLY_MS) return false
    this.unansweredShuffleAt = Number.NEGATIVE_INFINITY
    return true
  }

  /** Whether a name that `giver` sent may be used: one that we know, or one within the budget of the giver. */
  takeName(name: P, giver: P): boolean {
    const { peers } = this
    if (name === giver || peers.isTied(name) || peers.isContact(name)) return true
    return this.budget.take(giver, name, peers.isVouched(giver))
  }

  /** The contacts in a message that may be used. `origin`: a name that may be used already. */
  takeNames(nodes: ReadonlyArray<PeerInfo<P>>, giver: P, origin?: P): ReadonlyArray<PeerInfo<P>> {
    const taken: Array<PeerInfo<P>> = []
    const count = Math.min(nodes.length, this.maxNames)
    for (let i = 0; i < count; i++) {
      const info = nodes[i]!
      if (info.id === origin || info.id === this.io.me || this.takeName(info.id, giver)) taken.push(info)
    }
    return taken
  }

  /** Whether the origin of a Shuffle gets an answer. Without an address it costs a lookup, which counts as several names. */
  takeAnswer(origin: P, nodes: ReadonlyArray<PeerInfo<P>>, giver: P): boolean {
    if (this.peers.isTied(origin)) return true
    if (nodes.some(({ data, id }) => id === origin && data !== undefined && data.length > 0)) return true
    return this.budget.takeCost(giver, LOOKUP_NAMES, this.peers.isVouched(giver))
  }

  /** Neighbours and peers that were asked may name others. */
  private isIntroducer(peer: P): boolean {
    return this.peers.isTied(peer) || this.peers.isInvited(peer)
  }
}
