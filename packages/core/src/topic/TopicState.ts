/**
 * What a topic knows of its place in the swarm: its neighbours and the last messages. One fiber writes it (the one that reads
 * gossip's events); all others read it, or wait for its two signals instead of polling.
 */

import { type EndpointId, type GossipRecordContent, messageHash } from "@topic-tracker/crypto"
import type { GossipEvent, Timers } from "@topic-tracker/gossip"
import { Signal } from "./Signal.ts"

/** As many peers and as many hashes fit into a record (distributed-topic-tracker, `GossipRecordContent`). */
const RECORD_SLOTS = 5
/** Content up to this size is copied on arrival and hashed only when a record is made: most messages never are. */
const HASH_LATER_LIMIT = 4096

export class TopicState {
  /** In the order in which they came up. */
  readonly neighbors = new Set<EndpointId.EndpointId>()
  /** Open while there is a neighbour. */
  readonly joined: Signal
  /** Open while there is none. */
  readonly alone: Signal
  messagesReceived = 0
  readonly #recent: Array<{ readonly content: Uint8Array } | { readonly hash: Uint8Array }> = []

  constructor(timers: Timers) {
    this.joined = new Signal(timers, false)
    this.alone = new Signal(timers, true)
  }

  /** Takes note of events and, when they left us with a first neighbour or without any, wakes those who wait for that. */
  apply(events: ReadonlyArray<GossipEvent>): void {
    const wasJoined = this.neighbors.size > 0
    for (const event of events) {
      if (event._tag === "NeighborUp") this.neighbors.add(event.peer)
      else if (event._tag === "NeighborDown") this.neighbors.delete(event.peer)
      else if (event._tag === "Received") this.#received(event.content)
    }
    const isJoined = this.neighbors.size > 0
    if (isJoined === wasJoined) return
    const [opens, closes] = isJoined ? [this.joined, this.alone] : [this.alone, this.joined]
    closes.close()
    opens.open()
  }

  #received(content: Uint8Array): void {
    this.messagesReceived++
    this.#recent.push(content.length > HASH_LATER_LIMIT ? { hash: messageHash(content) } : { content: content.slice() })
    if (this.#recent.length > RECORD_SLOTS) this.#recent.shift()
  }

  /** SHA-512, cut to 32 bytes, of the last messages received; the oldest first. */
  lastMessageHashes(): ReadonlyArray<Uint8Array> {
    return this.#recent.map((message, i) => {
      if ("hash" in message) return message.hash
      const hash = messageHash(message.content)
      this.#recent[i] = { hash }
      return hash
    })
  }

  /** What our record says now. */
  recordContent(): GossipRecordContent {
    return {
      activePeers: [...this.neighbors].slice(0, RECORD_SLOTS),
      lastMessageHashes: this.lastMessageHashes(),
    }
  }
}
