import { InvariantChecker } from "../../src/protocol/checkInvariants.ts"
import * as Protocol from "../../src/protocol/index.ts"
import { type Action, bytes, type Event, type Message, topic } from "./node.ts"

/**
 * A network of protocol states in memory: each link has a delay of its own and keeps its order; the other side notices a closed
 * connection or a crash one link delay later. Time is whole milliseconds. Invariants are checked after each event.
 */
export class Swarm {
  now = 0
  readonly states = new Map<string, Protocol.GossipState<string>>()
  /** The contents that each node's application received. */
  readonly received = new Map<string, Array<string>>()
  /** Hostile peers: they accept connections, send only what a test sends in their name, and answer nothing. */
  readonly silent = new Set<string>()
  private readonly checkers = new Map<Protocol.GossipState<string>, InvariantChecker<string>>()
  private readonly config: Protocol.ProtocolConfig
  private readonly rng: Protocol.Xoshiro128
  private readonly leastDelay: number
  private readonly due = new Map<number, Array<{ readonly node: string; readonly event: Event }>>()
  private readonly delays = new Map<string, number>()
  private readonly connections = new Set<string>()
  private events = 0

  constructor(config: Protocol.ProtocolConfig, seed: number, leastDelay = 1) {
    this.config = config
    this.leastDelay = leastDelay
    this.rng = new Protocol.Xoshiro128(seed)
  }

  add(me: string): void {
    const rng = this.rng.fork()
    const state = new Protocol.GossipState<string>({ me, peerData: bytes(me), config: this.config, rng })
    this.states.set(me, state)
    this.checkers.set(state, new InvariantChecker(state))
    this.received.set(me, [])
  }

  /** A node ends without a Disconnect: its peers see their connections close. */
  crash(me: string): void {
    this.states.delete(me)
    for (const other of this.states.keys()) if (this.connections.delete(link(me, other))) this.connectionLost(me, other)
  }

  handle(node: string, event: Event): void {
    const state = this.states.get(node)
    if (state === undefined) return
    if (++this.events > 500_000) throw new Error("too many events: the swarm does not settle")
    const actions: Array<Action> = []
    state.handle(event, this.now, actions)
    this.checkers.get(state)?.afterEvent(event, actions)
    for (const action of actions) this.act(node, action)
  }

  /** Lets time pass. */
  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now++) {
      const events = this.due.get(this.now)
      if (events === undefined) continue
      // The list may grow in the loop: an event may cause others at the same time.
      for (const { event, node } of events) this.handle(node, event)
      this.due.delete(this.now)
    }
  }

  /** A message of a hostile peer. */
  sendAs(from: string, to: string, message: Message): void {
    this.silent.add(from)
    this.connections.add(link(from, to))
    this.later(this.delay(from, to), to, { _tag: "Received", from, topic, message })
  }

  neighbors(node: string): ReadonlyArray<string> {
    return [...(this.states.get(node)?.neighbors(topic) ?? [])].sort()
  }

  /** The nodes that can be reached from one over active views. */
  reachable(from: string): ReadonlySet<string> {
    const reached = new Set([from])
    for (const node of reached) for (const neighbor of this.neighbors(node)) reached.add(neighbor)
    return reached
  }

  private act(node: string, action: Action): void {
    switch (action._tag) {
      case "Send": {
        const event: Event = { _tag: "Received", from: node, topic: action.topic, message: action.message }
        if (this.states.has(action.to) || this.silent.has(action.to)) {
          this.connections.add(link(node, action.to))
          this.later(this.delay(node, action.to), action.to, event)
        } else {
          this.later(20, node, { _tag: "PeerDisconnected", peer: action.to })
        }
        return
      }
      case "ScheduleTimer":
        this.later(action.delayMs, node, { _tag: "TimerExpired", timer: action.timer })
        return
      case "DisconnectPeer":
        if (this.connections.delete(link(node, action.peer))) this.connectionLost(node, action.peer)
        return
      case "Emit":
        if (action.event._tag === "Received") {
          this.received.get(node)?.push(new TextDecoder().decode(action.event.content))
        }
        return
      case "PeerData":
        return
    }
  }

  private connectionLost(closer: string, other: string): void {
    this.later(this.delay(closer, other), other, { _tag: "PeerDisconnected", peer: closer })
  }

  private later(delay: number, node: string, event: Event): void {
    const at = this.now + delay
    const events = this.due.get(at)
    if (events === undefined) this.due.set(at, [{ node, event }])
    else events.push({ node, event })
  }

  private delay(a: string, b: string): number {
    const key = link(a, b)
    const known = this.delays.get(key)
    if (known !== undefined) return known
    const delay = this.leastDelay + this.rng.nextInt(30)
    this.delays.set(key, delay)
    return delay
  }
}

const link = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`)
