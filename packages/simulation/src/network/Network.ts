/**
 * A network of gossip nodes on a discrete-event clock: the very state machine that runs in production, with a queue of
 * events in the place of sockets and timers. One topic; each message is on its way for as long as its two nodes are apart,
 * and links keep their order. Follows iroh-gossip 0.101's `Network` (`src/proto/sim.rs`), so that its figures can be compared.
 *
 * Nodes are named by their number. Time is whole microseconds from 0.
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
import { type EventLog, kindNumbers } from "./EventLog.ts"
import { EventQueue } from "./EventQueue.ts"
import * as Latency from "./Latency.ts"

export const topic = "00".repeat(32)

/** What lies between two nodes. */
interface Link {
  readonly micros: number
  connected: boolean
}

export interface Node {
  readonly index: number
  readonly key: string
  readonly state: GossipState<string>
  /** Links to other nodes by their keys, as far as they were ever needed. */
  readonly links: Map<string, { readonly peer: Node; readonly link: Link }>
  /** False once it has been removed. */
  alive: boolean
}

/**
 * What is to happen to a node. One flat object for each, of one shape: tens of thousands wait at a time, and what survives
 * a while is what costs a garbage collector most.
 */
interface Due {
  readonly node: Node
  /** Who a message is from and what it comes over. */
  readonly from: Node | undefined
  readonly link: Link | undefined
  /** One of the three. */
  readonly message: Message<string> | undefined
  readonly timer: Timer<string> | undefined
  readonly event: Event<string> | undefined
}

/** An event whose fields are set anew for each delivery: a state does not keep events. */
type Reused<Tag extends Event<string>["_tag"]> = Mutable<Extract<Event<string>, { readonly _tag: Tag }>>
type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** An event that a node's application was told. */
export interface Emitted {
  readonly node: Node
  readonly event: TopicEvent<string>
}

export interface NetworkOptions {
  readonly protocol: ProtocolConfig
  readonly latency: Latency.Latency
  readonly rng: Xoshiro128
  readonly log: EventLog
}

export class Network {
  readonly nodes = new Map<string, Node>()
  private time = 0
  private readonly options: NetworkOptions
  private readonly queue = new EventQueue<Due>()
  private readonly emitted: Array<Emitted> = []
  private readonly actions: Array<Action<string>> = []
  private readonly received: Reused<"Received"> = { _tag: "Received", from: "", topic, message: { _tag: "Prune" } }
  private readonly expired: Reused<"TimerExpired"> = {
    _tag: "TimerExpired",
    timer: { _tag: "EvictCache", topic, epoch: 0 },
  }

  constructor(options: NetworkOptions) {
    this.options = options
  }

  /** Microseconds since the start. */
  get now(): number {
    return this.time
  }

  /** A new node, with randomness of its own. */
  insert(index: number): void {
    const key = String(index)
    const { protocol, rng } = this.options
    const state = new GossipState<string>({ me: key, peerData: new Uint8Array(0), config: protocol, rng: rng.fork() })
    this.nodes.set(key, { index, key, state, links: new Map(), alive: true })
  }

  /** A node ends without a word; its peers see their connections close. */
  remove(index: number): void {
    const node = this.nodes.get(String(index))
    if (node === undefined) return
    for (const key of node.links.keys()) this.disconnect(node, key)
    node.alive = false
    this.nodes.delete(node.key)
  }

  /** Gives a node something to do, and lets the next event happen, as iroh-gossip's simulator does. */
  command(index: number, event: Event<string>): void {
    const node = this.nodes.get(String(index))
    if (node === undefined) return
    this.later(this.time, node, event)
    this.step()
  }

  /** Lets time pass, to the end of the given microseconds. What applications are told meanwhile is dropped. */
  run(micros: number): void {
    this.runWhile(micros, () => true)
  }

  /** As long as `n` messages one after the other take at most. */
  runTrips(n: number): void {
    this.run(n * Latency.longest(this.options.latency))
  }

  /** Lets time pass until `onEmitted` says false about something an application was told, or the time is up. */
  runWhile(micros: number, onEmitted: (emitted: Emitted) => boolean): void {
    const end = this.time + micros
    for (;;) {
      for (let i = 0; i < this.emitted.length; i++) {
        if (onEmitted(this.emitted[i]!)) continue
        this.emitted.splice(0, i + 1)
        return
      }
      this.emitted.length = 0
      const nextAt = this.queue.nextAt
      if (nextAt === undefined || nextAt > end) break
      this.step()
    }
    this.time = end
  }

  private step(): void {
    const at = this.queue.nextAt
    const due = this.queue.pop()
    if (at === undefined || due === undefined) return
    this.time = at
    const { node } = due
    if (!node.alive) return
    const { actions } = this
    actions.length = 0
    node.state.handle(this.eventOf(due), at / 1_000, actions)
    for (const action of actions) this.act(node, action)
    // After everything that was sent: what is sent at the same time arrives before the connection closes.
    for (const action of actions) if (action._tag === "DisconnectPeer") this.disconnect(node, action.peer)
  }

  private eventOf({ event, from, link, message, node, timer }: Due): Event<string> {
    const { log } = this.options
    if (message !== undefined && from !== undefined && link !== undefined) {
      link.connected = true
      log.add(this.time, node.index, kindNumbers[message._tag], from.index, detailOf(message))
      this.received.from = from.key
      this.received.message = message
      return this.received
    }
    if (timer !== undefined) {
      this.expired.timer = timer
      return this.expired
    }
    if (event === undefined) throw new Error("an event of no kind")
    const isLoss = event._tag === "PeerDisconnected"
    log.add(
      this.time,
      node.index,
      isLoss ? kindNumbers.disconnected : kindNumbers.command,
      isLoss ? Number(event.peer) : -1,
      isLoss ? 0 : event._tag.length,
    )
    return event
  }

  private act(node: Node, action: Action<string>): void {
    switch (action._tag) {
      case "Send": {
        const path = this.path(node, action.to)
        // A node that was never there or is gone: nobody receives it.
        if (path === undefined) return
        const { link, peer } = path
        const { message } = action
        const due: Due = { node: peer, from: node, link, message, timer: undefined, event: undefined }
        this.queue.push(this.time + link.micros, due)
        return
      }
      case "ScheduleTimer": {
        const { delayMs, timer } = action
        const due: Due = { node, from: undefined, link: undefined, message: undefined, timer, event: undefined }
        this.queue.push(this.time + Math.round(delayMs * 1_000), due)
        return
      }
      case "Emit": {
        const { event } = action
        const peer = event._tag === "Received" ? event.deliveredFrom : event.peer
        const kind = event._tag === "Received" ? kindNumbers.delivered : kindNumbers[event._tag]
        this.options.log.add(this.time, node.index, kind, Number(peer), event._tag === "Received" ? word(event.id) : 0)
        this.emitted.push({ node, event })
        return
      }
      case "DisconnectPeer":
      case "PeerData":
        return
    }
  }

  /** Closes a connection; the other side notices a moment after everything that is on its way. */
  private disconnect(node: Node, key: string): void {
    const path = node.links.get(key)
    if (path === undefined || !path.link.connected) return
    path.link.connected = false
    this.later(this.time + path.link.micros + 1, path.peer, { _tag: "PeerDisconnected", peer: node.key })
  }

  private later(at: number, node: Node, event: Event<string>): void {
    this.queue.push(at, { node, from: undefined, link: undefined, message: undefined, timer: undefined, event })
  }

  private path(node: Node, key: string): { readonly peer: Node; readonly link: Link } | undefined {
    const known = node.links.get(key)
    if (known !== undefined) return known
    const peer = this.nodes.get(key)
    if (peer === undefined) return undefined
    const link: Link = { micros: Latency.draw(this.options.latency, this.options.rng), connected: false }
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
