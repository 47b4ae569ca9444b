/**
 * A peer that some topic has to do with: its connections and the queues towards it. Modelled on `PeerState` of iroh-gossip
 * 0.101 `src/net.rs`: without a connection messages wait for the dial; a newer connection takes over sending while older
 * ones go on being read, because the other side may have chosen differently which of two simultaneous dials is the newer.
 */

import type { Timer } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { TopicKey } from "../protocol/index.ts"
import type { Connection } from "../transport/Transport.ts"
import type { Outbound } from "./Outbound.ts"
import type { Receiver } from "./Receiver.ts"

/** A connection and those who read the peer's streams on it. */
export class Link {
  readonly connection: Connection
  readonly peer: Peer
  readonly receivers = new Set<Receiver>()
  isClosed = false

  constructor(connection: Connection, peer: Peer) {
    this.connection = connection
    this.peer = peer
  }
}

export class Peer {
  readonly id: EndpointId.EndpointId
  /** The newest connection: the one we send on. None while the dial is under way. */
  link: Link | undefined
  /** Older connections, the newest last. */
  readonly older: Array<Link> = []
  readonly outbound = new Map<TopicKey, Outbound>()
  /** Queues whose last message is in them. */
  readonly ending = new Set<Outbound>()
  /** Runs while no topic needs the peer any more, or yet, but the connection is up. */
  lingering: Timer | undefined
  /** Its connections have been told to close. */
  isClosing = false

  constructor(id: EndpointId.EndpointId) {
    this.id = id
  }

  /** A connection came up; it takes over. */
  add(link: Link): void {
    if (this.link !== undefined) this.older.push(this.link)
    this.link = link
    this.flush()
  }

  /** A connection is gone; the newest that is left, if any, takes over. */
  remove(link: Link): void {
    link.isClosed = true
    if (this.link === link) {
      this.link = this.older.pop()
      this.flush()
      return
    }
    const index = this.older.indexOf(link)
    if (index >= 0) this.older.splice(index, 1)
  }

  /** Gives up everything that is queued. */
  dropAll(): void {
    for (const outbound of this.outbound.values()) outbound.drop()
    this.outbound.clear()
    for (const outbound of [...this.ending]) outbound.drop()
    this.ending.clear()
  }

  closeAll(): void {
    this.isClosing = true
    for (const link of this.links) link.connection.close()
  }

  get links(): ReadonlyArray<Link> {
    return this.link === undefined ? [] : [...this.older, this.link]
  }

  /** Whether nothing is queued and the peer has ended all its streams. */
  get isQuiet(): boolean {
    if (this.ending.size > 0 || this.outbound.size > 0) return false
    return this.links.every((link) => link.receivers.size === 0)
  }

  private flush(): void {
    for (const outbound of [...this.ending]) outbound.flush()
    for (const outbound of this.outbound.values()) outbound.flush()
  }
}
