/**
 * What a topic knows of its place in the swarm: its neighbours and the last messages. One fiber writes it (the one that reads
 * gossip's events); all others read it, or wait for its two signals instead of polling.
 */

import type { Timers } from "@topic-tracker/common"
import { Signal } from "@topic-tracker/common"
import type { EndpointId, GossipRecordContent } from "@topic-tracker/crypto"
import type { GossipEvent } from "@topic-tracker/gossip"
import { keepLatest } from "../../keepLatest.ts"
import { SwarmLinks } from "./OverlayGraph.ts"
import { HeardMessages } from "./RecentMessages.ts"

/** As many peers fit into a record (distributed-topic-tracker, `GossipRecordContent`). */
const RECORD_SLOTS = 5
/** Of those who were lost, the latest so many are asked again: more than were neighbours at a time. */
const MOST_LOST = 16

export class TopicState {
  /** In the order in which they came up. */
  readonly neighbors = new Set<EndpointId.EndpointId>()
  /** Open while there is a neighbour. */
  readonly joined: Signal
  /** Open while there is none. */
  readonly alone: Signal
  readonly heard: HeardMessages
  readonly links: SwarmLinks
  /** Who was our neighbour until its connection broke, or until we left it; the latest last. None once one of them is back. */
  readonly lost = new Map<EndpointId.EndpointId, true>()

  constructor(timers: Timers) {
    this.joined = new Signal(timers, false)
    this.alone = new Signal(timers, true)
    this.heard = new HeardMessages(timers)
    this.links = new SwarmLinks(timers)
  }

  /**
   * Takes note of events and, when they left us with a first neighbour or without any, wakes those who wait for that. Gives whether
   * a neighbour was lost.
   */
  apply(events: ReadonlyArray<GossipEvent>): boolean {
    const wasJoined = this.neighbors.size > 0
    let isLost = false
    for (const event of events) {
      if (event._tag === "NeighborUp") this.#met(event.peer)
      else if (event._tag === "NeighborDown") {
        this.#parted(event.peer, event.reason === "lost")
        isLost ||= event.reason === "lost"
      } else if (event._tag === "Received") this.heard.received(event.content)
    }
    const isJoined = this.neighbors.size > 0
    if (isJoined === wasJoined) return isLost
    this.heard.interrupted()
    const [opens, closes] = isJoined ? [this.joined, this.alone] : [this.alone, this.joined]
    closes.close()
    opens.open()
    return isLost
  }

  #met(peer: EndpointId.EndpointId): void {
    this.neighbors.add(peer)
    // It is in touch with the others, or will be.
    if (this.lost.has(peer)) this.lost.clear()
  }

  #parted(peer: EndpointId.EndpointId, lost: boolean): void {
    this.neighbors.delete(peer)
    // The network may be cut: then what led to the other side leads there no more.
    if (lost) {
      this.links.clear()
      keepLatest(this.lost, peer, true, MOST_LOST)
    } else this.links.parted(peer)
  }

  /** Takes leave of all neighbours, who are there still. Gives what subscribers are to hear of it. */
  suspend() {
    const downs = [...this.neighbors].map((peer) => ({ _tag: "NeighborDown", peer, reason: "left" }) as const)
    this.apply(downs)
    for (const { peer } of downs) keepLatest(this.lost, peer, true, MOST_LOST)
    return downs
  }

  /** What our record says now. */
  recordContent(): GossipRecordContent {
    return {
      activePeers: [...this.neighbors].slice(0, RECORD_SLOTS),
      lastMessageHashes: this.heard.last(),
    }
  }
}
