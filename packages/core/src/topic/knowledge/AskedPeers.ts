/**
 * The peers that this node asked to become neighbours, and whether they did. A member can publish records of made-up nodes; such a record
 * must not keep others from publishing theirs.
 */
import { BoundedMap, type Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { GossipRecord } from "../../records/TopicRecordContent.ts"
import { peersOf } from "./candidates.ts"

/** The number of peers that are remembered. */
const MAX_PEERS = 512
/** An answer, or its absence, counts for this time, in ms. */
const VALID_MS = 600_000
/** A record counts as a dead end after this number of peers without an answer: a merge asks two of its peers. */
const ENOUGH = 2
/** A peer that runs answers within this time, in ms. Later a record of silent peers no longer keeps ours from the slot. */
export const DEAD_END_AFTER_MS = 4_000

interface Asked {
  /** The first time that the peer was asked since its last answer, in ms of the timers. */
  readonly askedAt: number | undefined
  readonly answeredAt: number | undefined
}

export class AskedPeers {
  readonly #timers: Timers
  readonly #peers = new BoundedMap<EndpointId.EndpointId, Asked>(MAX_PEERS)

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** This node asks the peer. */
  addAsked(peer: EndpointId.EndpointId): void {
    const now = this.#timers.now()
    const { answeredAt, askedAt } = this.#peers.get(peer) ?? {}
    this.#peers.set(peer, { answeredAt, askedAt: askedAt !== undefined && now - askedAt < VALID_MS ? askedAt : now })
  }

  /** The peer is a neighbour. */
  addAnswered(peer: EndpointId.EndpointId): void {
    this.#peers.set(peer, { answeredAt: this.#timers.now(), askedAt: undefined })
  }

  /** Whether the peer was asked `millis` ago or earlier, and has not become a neighbour since. */
  isSilent(peer: EndpointId.EndpointId, millis = 0): boolean {
    const askedAt = this.#peers.get(peer)?.askedAt
    if (askedAt === undefined) return false
    const waited = this.#timers.now() - askedAt
    return waited >= millis && waited < VALID_MS
  }

  /** Whether one of the peers became a neighbour since this time, in ms of the timers. */
  hasAnsweredSince(peers: ReadonlyArray<EndpointId.EndpointId>, since: number): boolean {
    return peers.some((peer) => (this.#peers.get(peer)?.answeredAt ?? Number.NEGATIVE_INFINITY) >= since)
  }

  /** Whether peers of the record were asked `millis` ago or earlier, and none has let this node in. */
  isDeadEnd(record: GossipRecord, self: EndpointId.EndpointId, millis: number): boolean {
    const peers = peersOf(record, self)
    if (this.hasAnsweredSince(peers, this.#timers.now() - VALID_MS)) return false
    const unanswered = peers.filter((peer) => this.isSilent(peer, millis))
    return unanswered.length > 0 && unanswered.length >= Math.min(ENOUGH, peers.length)
  }
}
