/** The peers that may have a content, and when to ask each of them: at once, and after a failure or a "not here" later and later. Plain data. */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"

const MAX_CANDIDATES = 512
const FIRST_MS = 2_000
const MAX_MS = 30_000

interface Candidate {
  nextAt: number
  wait: number
}

export class Candidates {
  readonly #peers = new BoundedMap<EndpointId.EndpointId, Candidate>(MAX_CANDIDATES)
  readonly #self: EndpointId.EndpointId
  #asked = 0

  /** `self`: this node, which peers name too. */
  constructor(self: EndpointId.EndpointId) {
    this.#self = self
  }

  /** The different peers that were asked so far. */
  get asked(): number {
    return this.#asked
  }

  add(peers: Iterable<EndpointId.EndpointId>, now: number): void {
    for (const peer of peers) {
      if (peer !== this.#self && !this.#peers.has(peer)) this.#peers.set(peer, { nextAt: now, wait: 0 })
    }
  }

  /** At most `count` peers to ask now. Each counts as asked: without an answer it is asked again later. */
  take(
    count: number,
    now: number,
    isUseful: (peer: EndpointId.EndpointId) => boolean,
  ): ReadonlyArray<EndpointId.EndpointId> {
    const due: Array<EndpointId.EndpointId> = []
    for (const [peer, candidate] of this.#peers) {
      if (due.length >= count) break
      if (candidate.nextAt > now || !isUseful(peer)) continue
      if (candidate.wait === 0) this.#asked++
      candidate.wait = Math.min(MAX_MS, Math.max(FIRST_MS, candidate.wait * 2))
      candidate.nextAt = now + candidate.wait
      due.push(peer)
    }
    return due
  }

  /** The peer was of use: it is asked soon again when its stream ends. */
  answered(peer: EndpointId.EndpointId, now: number): void {
    const candidate = this.#peers.get(peer)
    if (candidate !== undefined) this.#peers.set(peer, { nextAt: now + FIRST_MS, wait: FIRST_MS })
  }
}
