/**
 * A peer that some topic needs, or that connected to us: its connections and the queues to it. Modelled on `PeerState` of iroh-gossip
 * 0.101 `src/net.rs`. Without a connection messages wait for the dial. A newer connection takes over sending, while older ones are
 * still read: after two simultaneous dials the other side may have chosen the other connection as the newer one.
 */
import { BoundedMap, type Timer } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { TopicKey } from "../protocol/index.ts"
import type { Connection } from "../transport/Transport.ts"
import type { SendLink, SendQueue, SendTarget } from "./SendQueue.ts"
import type { StreamReader } from "./StreamReader.ts"
import type { PeerBudget } from "./WorkBudget.ts"

/** The number of topics for which a refusal may be on its way to the peer at a time. */
const MAX_REFUSALS = 256

/** The least time between two refusals for one topic, in ms. */
const REFUSE_AGAIN_MS = 200

/** A connection and the readers of the peer's streams on it. */
export class Link implements SendLink {
  readonly connection: Connection
  readonly readers = new Set<StreamReader>()
  isClosed = false

  constructor(connection: Connection) {
    this.connection = connection
  }
}

export class Peer implements SendTarget {
  readonly id: EndpointId.EndpointId
  readonly budget: PeerBudget
  /** The newest connection: the one to send on. Undefined while the dial is in progress. */
  link: Link | undefined
  /** Older connections, the newest last. */
  readonly older: Array<Link> = []
  readonly queues = new Map<TopicKey, SendQueue>()
  /** Queues that end with the messages in them. */
  readonly ending = new Set<SendQueue>()
  /** Topics in which the peer is a neighbour. */
  sharedTopics = 0
  /** The dial in progress has the origin "gossip". */
  isDialledForGossip = false
  /** When each topic was last refused; undefined if none was. */
  private refusedAt: BoundedMap<TopicKey, number> | undefined
  /** Runs while the connection is up and no topic needs the peer. */
  lingerTimer: Timer | undefined
  /** {@link closeAll} was called or is about to be. */
  isClosing = false

  constructor(id: EndpointId.EndpointId, budget: PeerBudget) {
    this.id = id
    this.budget = budget
  }

  /** Adds a new connection, which takes over sending. */
  addLink(link: Link): void {
    if (this.link !== undefined) this.older.push(this.link)
    this.link = link
    this.flush()
  }

  /** Removes a connection that is gone; the newest of the others takes over. */
  removeLink(link: Link): void {
    link.isClosed = true
    if (this.link === link) {
      this.link = this.older.pop()
      this.flush()
      return
    }
    const index = this.older.indexOf(link)
    if (index >= 0) this.older.splice(index, 1)
  }

  /** Ends the queue after the messages in it. `over` runs when the last one has gone out. */
  endQueue(queue: SendQueue, over: () => void): void {
    this.queues.delete(queue.topic.hex)
    this.ending.add(queue)
    queue.onceOver(() => {
      this.ending.delete(queue)
      over()
    })
    queue.end()
  }

  /** The queue of the topic whose last message is on its way. */
  endingQueue(topic: TopicKey): SendQueue | undefined {
    let latest: SendQueue | undefined
    for (const queue of this.ending) if (queue.topic.hex === topic) latest = queue
    return latest
  }

  /** Whether so many refusals are on their way to the peer that no further one is sent now. */
  get hasTooManyRefusals(): boolean {
    return this.ending.size >= MAX_REFUSALS
  }

  /** Whether a refusal for this topic may go out now; then it counts as sent. */
  mayRefuse(topic: TopicKey, now: number): boolean {
    this.refusedAt ??= new BoundedMap(MAX_REFUSALS)
    const last = this.refusedAt.get(topic)
    if (last !== undefined && now - last < REFUSE_AGAIN_MS) return false
    this.refusedAt.set(topic, now)
    return true
  }

  /** Gives up all queued messages. */
  dropQueues(): void {
    for (const queue of this.queues.values()) queue.drop()
    this.queues.clear()
    for (const queue of [...this.ending]) queue.drop()
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
    if (this.ending.size > 0 || this.queues.size > 0) return false
    return this.links.every((link) => link.readers.size === 0)
  }

  private flush(): void {
    for (const queue of [...this.ending]) queue.flush()
    for (const queue of this.queues.values()) queue.flush()
  }
}
