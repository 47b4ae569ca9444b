/**
 * A network of gossip nodes on a discrete-event clock: the production state machine, with a schedule of events instead of
 * sockets and timers. There is one topic. Each pair of nodes has one latency, and links keep the order of messages. Follows
 * iroh-gossip 0.101's `Network` (`src/proto/sim.rs`), so that the figures can be compared.
 *
 * A node's key is its number as text. Time is whole microseconds from 0.
 */
import {
  type Action,
  type Event,
  GossipState,
  type Message,
  type ProtocolConfig,
  type Timer,
  type TopicEvent,
  type Xoshiro128,
} from "@topic-tracker/gossip/stateMachine"
import { EventSchedule } from "../environment/EventSchedule.ts"
import * as Latency from "../scenario/Latency.ts"
import { type EventLog, eventKindNumbers } from "./EventLog.ts"

export const topic = "00".repeat(32)

/** The link of two nodes. */
interface Link {
  readonly micros: number
  connected: boolean
}

export interface Node {
  readonly index: number
  readonly key: string
  readonly state: GossipState<string>
  /** Links to other nodes by key, created when first used. */
  readonly links: Map<string, { readonly peer: Node; readonly link: Link }>
  /** False after its removal. */
  alive: boolean
}

/**
 * An event that waits for a node. One flat object of one shape each: tens of thousands wait at a time, and objects that survive
 * for a while are what costs a garbage collector most.
 */
interface Due {
  readonly node: Node
  /** The sender and the link of a message. */
  readonly from: Node | undefined
  readonly link: Link | undefined
  /** Exactly one of these three is set. */
  readonly message: Message<string> | undefined
  readonly timer: Timer<string> | undefined
  readonly event: Event<string> | undefined
}

/** An event object that is reused for each delivery: the state machine keeps no events. */
type Reused<Tag extends Event<string>["_tag"]> = Mutable<Extract<Event<string>, { readonly _tag: Tag }>>
type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** An event for a node's application. */
export interface Emitted {
  readonly node: Node
  readonly event: TopicEvent<string>
}

export interface GossipNetworkOptions {
  readonly protocol: ProtocolConfig
  readonly latency: Latency.Latency
  readonly rng: Xoshiro128
  readonly log: EventLog
  /** Called after a state has handled an event, with the actions that follow from it. The objects are reused afterwards. */
  readonly onHandled?: OnHandled | undefined
}

/** A callback for tests: it gets a state, an event and the actions that followed from it. */
export type OnHandled = (
  state: GossipState<string>,
  event: Event<string>,
  actions: ReadonlyArray<Action<string>>,
) => void

export class GossipNetwork {
  readonly nodes = new Map<string, Node>()
  #time = 0
  readonly #options: GossipNetworkOptions
  readonly #schedule = new EventSchedule<Due>()
  readonly #emitted: Array<Emitted> = []
  readonly #actions: Array<Action<string>> = []
  readonly #received: Reused<"Received"> = { _tag: "Received", from: "", topic, message: { _tag: "Prune" } }
  readonly #expired: Reused<"TimerExpired"> = {
    _tag: "TimerExpired",
    timer: { _tag: "EvictCache", topic, epoch: 0 },
  }

  constructor(options: GossipNetworkOptions) {
    this.#options = options
  }

  /** Microseconds since the start. */
  get now(): number {
    return this.#time
  }

  /** Adds a node, with a random generator of its own. */
  insertNode(index: number): void {
    const key = String(index)
    const { protocol, rng } = this.#options
    const state = new GossipState<string>({ me: key, peerData: new Uint8Array(0), config: protocol, rng: rng.fork() })
    this.nodes.set(key, { index, key, state, links: new Map(), alive: true })
  }

  /** A node stops; its peers see their connections close. */
  removeNode(index: number): void {
    const node = this.nodes.get(String(index))
    if (node === undefined) return
    for (const key of node.links.keys()) this.#disconnect(node, key)
    node.alive = false
    this.nodes.delete(node.key)
  }

  /** Gives a node an event, then runs one event, as iroh-gossip's simulator does. */
  command(index: number, event: Event<string>): void {
    const node = this.nodes.get(String(index))
    if (node === undefined) return
    this.#scheduleEvent(this.#time, node, event)
    this.#runNextEvent()
  }

  /** Advances time by the given microseconds. Events for applications are dropped. */
  run(micros: number): void {
    this.runWhile(micros, () => true)
  }

  /** Advances time by the greatest latency of `n` messages in a row. */
  runTrips(n: number): void {
    this.run(n * Latency.longest(this.#options.latency))
  }

  /** Advances time until `onEmitted` returns false for an event of an application, or the microseconds are over. */
  runWhile(micros: number, onEmitted: (emitted: Emitted) => boolean): void {
    const end = this.#time + micros
    for (;;) {
      for (let i = 0; i < this.#emitted.length; i++) {
        if (onEmitted(this.#emitted[i]!)) continue
        this.#emitted.splice(0, i + 1)
        return
      }
      this.#emitted.length = 0
      const nextAt = this.#schedule.nextAt
      if (nextAt === undefined || nextAt > end) break
      this.#runNextEvent()
    }
    this.#time = end
  }

  #runNextEvent(): void {
    const at = this.#schedule.nextAt
    const due = this.#schedule.takeNext()
    if (at === undefined || due === undefined) return
    this.#time = at
    const { node } = due
    if (!node.alive) return
    const actions = this.#actions
    actions.length = 0
    const event = this.#eventOf(due)
    node.state.handle(event, at / 1_000, actions)
    this.#options.onHandled?.(node.state, event, actions)
    for (const action of actions) this.#perform(node, action)
    // After all sends: a message sent at the same time arrives before the connection closes.
    for (const action of actions) if (action._tag === "DisconnectPeer") this.#disconnect(node, action.peer)
  }

  #eventOf({ event, from, link, message, node, timer }: Due): Event<string> {
    const { log } = this.#options
    if (message !== undefined && from !== undefined && link !== undefined) {
      link.connected = true
      log.addEntry(this.#time, node.index, eventKindNumbers[message._tag], from.index, detailOf(message))
      this.#received.from = from.key
      this.#received.message = message
      return this.#received
    }
    if (timer !== undefined) {
      this.#expired.timer = timer
      return this.#expired
    }
    if (event === undefined) throw new Error("an event without content")
    const isLoss = event._tag === "PeerDisconnected"
    log.addEntry(
      this.#time,
      node.index,
      isLoss ? eventKindNumbers.disconnected : eventKindNumbers.command,
      isLoss ? Number(event.peer) : -1,
      isLoss ? 0 : event._tag.length,
    )
    return event
  }

  #perform(node: Node, action: Action<string>): void {
    switch (action._tag) {
      case "Send": {
        const path = this.#linkTo(node, action.to)
        // The receiver does not exist or has been removed.
        if (path === undefined) return
        const { link, peer } = path
        const { message } = action
        const due: Due = { node: peer, from: node, link, message, timer: undefined, event: undefined }
        this.#schedule.scheduleAt(this.#time + link.micros, due)
        return
      }
      case "ScheduleTimer": {
        const { delayMs, timer } = action
        const due: Due = { node, from: undefined, link: undefined, message: undefined, timer, event: undefined }
        this.#schedule.scheduleAt(this.#time + Math.round(delayMs * 1_000), due)
        return
      }
      case "Emit": {
        const { event } = action
        const peer = event._tag === "Received" ? event.deliveredFrom : event.peer
        const kind = event._tag === "Received" ? eventKindNumbers.delivered : eventKindNumbers[event._tag]
        this.#options.log.addEntry(
          this.#time,
          node.index,
          kind,
          Number(peer),
          event._tag === "Received" ? word(event.id) : 0,
        )
        this.#emitted.push({ node, event })
        return
      }
      case "DisconnectPeer":
      case "PeerData":
        return
    }
  }

  /** Closes a connection. The other side notices after all messages that are on their way. */
  #disconnect(node: Node, key: string): void {
    const path = node.links.get(key)
    if (path === undefined || !path.link.connected) return
    path.link.connected = false
    this.#scheduleEvent(this.#time + path.link.micros + 1, path.peer, { _tag: "PeerDisconnected", peer: node.key })
  }

  #scheduleEvent(at: number, node: Node, event: Event<string>): void {
    this.#schedule.scheduleAt(at, {
      node,
      from: undefined,
      link: undefined,
      message: undefined,
      timer: undefined,
      event,
    })
  }

  #linkTo(node: Node, key: string): { readonly peer: Node; readonly link: Link } | undefined {
    const known = node.links.get(key)
    if (known !== undefined) return known
    const peer = this.nodes.get(key)
    if (peer === undefined) return undefined
    const link: Link = { micros: Latency.draw(this.#options.latency, this.#options.rng), connected: false }
    const path = { peer, link }
    node.links.set(key, path)
    peer.links.set(node.key, { peer: node, link })
    return path
  }
}

/** The first 32 bits of an id. */
const word = (id: string): number => id.charCodeAt(0) | (id.charCodeAt(1) << 16)

const detailOf = (message: Message<string>): number => {
  switch (message._tag) {
    case "Gossip":
      return word(message.id)
    case "Graft":
      return message.id === undefined ? 0 : word(message.id)
    case "IHave": {
      let detail = message.messages.length
      for (const { id } of message.messages) detail = Math.imul(detail, 31) ^ word(id)
      return detail
    }
    case "ForwardJoin":
      return (Number(message.peer.id) << 8) | message.ttl
    case "Shuffle":
      return (message.nodes.length << 8) | message.ttl
    case "ShuffleReply":
      return message.nodes.length
    case "Neighbor":
      return message.priority === "high" ? 1 : 0
    case "Disconnect":
      return message.alive ? 1 : 0
    case "Join":
    case "Prune":
      return 0
  }
}
