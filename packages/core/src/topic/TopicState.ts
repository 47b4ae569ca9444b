/**
 * What a topic knows of its place in the swarm: its neighbours and the last messages. One fiber writes it (the one that reads
 * gossip's events); all others read it, or wait for its two signals instead of polling.
 */

import { type EndpointId, type GossipRecordContent, messageHash } from "@topic-tracker/crypto"
import type { GossipEvent } from "@topic-tracker/gossip"
import { Effect, Latch } from "effect"

/** As many peers and as many hashes fit into a record (distributed-topic-tracker, `GossipRecordContent`). */
const RECORD_SLOTS = 5
/** Content up to this size is copied on arrival and hashed only when a record is made: most messages never are. */
const HASH_LATER_LIMIT = 4096

export class TopicState {
  /** In the order in which they came up. */
  readonly neighbors = new Set<EndpointId.EndpointId>()
  /** Open while there is a neighbour. */
  readonly joined = Latch.makeUnsafe(false)
  /** Open while there is none. */
  readonly alone = Latch.makeUnsafe(true)
  messagesReceived = 0
  readonly #recent: Array<{ readonly content: Uint8Array } | { readonly hash: Uint8Array }> = []

  /** Takes note of an event and wakes those who wait for what it changed. */
  apply(event: GossipEvent): Effect.Effect<unknown> {
    switch (event._tag) {
      case "NeighborUp":
        this.neighbors.add(event.peer)
        this.alone.closeUnsafe()
        return this.joined.open
      case "NeighborDown":
        this.neighbors.delete(event.peer)
        if (this.neighbors.size > 0) return Effect.void
        this.joined.closeUnsafe()
        return this.alone.open
      case "Received":
        this.messagesReceived++
        this.#recent.push(
          event.content.length > HASH_LATER_LIMIT
            ? { hash: messageHash(event.content) }
            : { content: event.content.slice() },
        )
        if (this.#recent.length > RECORD_SLOTS) this.#recent.shift()
        return Effect.void
      case "Lagged":
        return Effect.void
    }
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
