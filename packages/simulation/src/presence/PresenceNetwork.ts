/**
 * A swarm with presence on a discrete-event clock: the production state machines of gossip and of presence, over links with latency and loss. It models of
 * a connection what matters here: it takes time to open, lost packets come later and in order, silence ends it. Signatures are random bytes and are not
 * checked. Times are in ms.
 */
import { fromHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import {
  type Action,
  type Event,
  GossipState,
  type Message,
  type ProtocolConfig,
  type Timer,
  Xoshiro128,
} from "@topic-tracker/gossip/stateMachine"
import { PresenceState } from "@topic-tracker/presence/stateMachine"
import { EventSchedule } from "../environment/EventSchedule.ts"
import { gossipBytes, kindOfMessage, kindOfWhisper, noTraffic, type Traffic, whisperBytes } from "./bytes.ts"
import { Heartbeats } from "./Heartbeats.ts"

const TOPIC = "00".repeat(32)
const EPOCH = 1_800_000_000_000
/** A connection is given up after 15 s of silence, which begins with the last heartbeat, up to 5 s before the cut. */
const SILENCE_MS = 15_000
const HEARTBEAT_MS = 5_000
const DIAL_TIMEOUT_MS = 10_000
/** A node without neighbours looks for one so often: the search of a topic. */
const SEARCH_MS = 1_000
const STATE_BYTES = 32
const MAX_DELAY_MS = 25

export interface PresenceNetworkOptions {
  readonly protocol: ProtocolConfig
  readonly seed: bigint
  /** Share of the packets that are lost. */
  readonly loss: number
  /** One way, in ms: each link has its own, evenly between both. */
  readonly latency: readonly [number, number]
  readonly isControl: boolean
  /** Runs for each change that a node sees. */
  readonly onChange?: (node: PresenceNode, tag: string, member: string, at: number) => void
}

export interface PresenceNode {
  readonly index: number
  readonly key: string
  readonly gossip: GossipState<string>
  presence: PresenceState | Heartbeats | undefined
  readonly links: Map<string, Half>
  readonly neighbors: Set<string>
  isAlive: boolean
  group: number
  tickAt: number
  /** Its presence was given something since its outputs were taken. */
  isTouched: boolean
}

/** One direction of a connection, with the other one. */
interface Half {
  readonly link: Link
  readonly to: PresenceNode
  /** The time at which the last sent bytes arrive: streams keep their order. */
  arrivesAt: number
}

interface Link {
  readonly latency: number
  status: "dialling" | "open" | "closed"
  /** Waits for the dial. */
  readonly queue: Array<Due>
}

type Due =
  | { readonly _tag: "Message"; readonly half: Half; readonly from: PresenceNode; readonly message: Message<string> }
  | { readonly _tag: "Whisper"; readonly half: Half; readonly from: PresenceNode; readonly bytes: Uint8Array }
  | { readonly _tag: "Timer"; readonly node: PresenceNode; readonly timer: Timer<string> }
  | { readonly _tag: "Tick"; readonly node: PresenceNode }
  | { readonly _tag: "Call"; readonly run: () => void }

export class PresenceNetwork {
  readonly nodes = new Map<string, PresenceNode>()
  readonly rng: Xoshiro128
  now = 0
  events = 0
  /** Notes reach all nodes at once and without gossip: for building a swarm whose members have come over a long time. */
  isDirect = false
  /** All bytes that were sent. */
  readonly traffic: Traffic = noTraffic()
  readonly #options: PresenceNetworkOptions
  readonly #schedule = new EventSchedule<Due>()
  readonly #actions: Array<Action<string>> = []
  #signatures = 0

  constructor(options: PresenceNetworkOptions) {
    this.#options = options
    this.rng = new Xoshiro128(options.seed)
  }

  random = (): number => this.rng.nextInt(2 ** 30) / 2 ** 30

  /** Adds a node that joins over some contacts. */
  add(index: number, contacts: ReadonlyArray<PresenceNode>, withPresence: boolean): PresenceNode {
    const rng = this.rng.fork()
    const key = Array.from({ length: 64 }, () => rng.nextInt(16).toString(16)).join("")
    const node: PresenceNode = {
      index,
      key,
      gossip: new GossipState<string>({
        me: key,
        peerData: new Uint8Array(0),
        config: this.#options.protocol,
        rng,
        validatorOf: () => (from, content) => {
          node.isTouched = true
          return node.presence?.receive(from, content, this.now) ?? "accept"
        },
      }),
      presence: undefined,
      links: new Map(),
      neighbors: new Set(),
      isAlive: true,
      group: 0,
      tickAt: Number.POSITIVE_INFINITY,
      isTouched: false,
    }
    this.nodes.set(key, node)
    if (withPresence) this.startPresence(node)
    this.#handle(node, { _tag: "Join", topic: TOPIC, peers: contacts.map((contact) => contact.key) })
    this.at(this.now + SEARCH_MS, () => this.#search(node))
    return node
  }

  /** `known`: a member of whose list it begins with. */
  startPresence(node: PresenceNode, known?: PresenceNode): void {
    const { isControl } = this.#options
    const options = {
      self: node.key,
      random: this.random,
      wall: () => EPOCH + this.now,
      sign: (kind: number, stamp: number, body: Uint8Array) => this.#sign(node.key, kind, stamp, body),
      verify: () => true,
      admits: () => true,
      state: new Uint8Array(STATE_BYTES).fill(node.index),
    }
    node.presence = isControl ? new Heartbeats(options, this.now) : new PresenceState(options, this.now)
    if (known?.presence instanceof PresenceState) {
      for (const { note } of known.presence.entries) node.presence.receive(known.key, note, this.now)
    }
    for (const [peer, { link }] of node.links) if (link.status === "open") node.presence.lineUp(peer, this.now)
    for (const peer of node.neighbors) node.presence.neighborUp(peer, this.now)
    this.#settle(node)
  }

  /** Signs its entry anew. */
  renew(node: PresenceNode): void {
    if (!(node.presence instanceof PresenceState)) return
    node.presence.update(new Uint8Array(STATE_BYTES).fill(node.index), this.now)
    this.#settle(node)
  }

  /** Says goodbye and leaves. */
  leave(node: PresenceNode): void {
    node.presence?.leave()
    this.#settle(node)
    this.#handle(node, { _tag: "Quit", topic: TOPIC })
    this.#remove(node)
    // Its connections close when what is under way has arrived.
    for (const [peer, half] of node.links) {
      const at = half.arrivesAt + 1
      half.link.status = "closed"
      this.at(Math.max(at, this.now + half.link.latency), () => this.#closed(half.to, node.key))
      node.links.delete(peer)
    }
  }

  /** Ends without a word; its neighbours notice the silence. */
  crash(node: PresenceNode): void {
    this.#remove(node)
    for (const [peer, half] of node.links) {
      this.at(this.now + SILENCE_MS - HEARTBEAT_MS * this.random(), () => this.#closed(half.to, node.key))
      node.links.delete(peer)
    }
  }

  /** Breaks one connection; both sides live on. */
  breakLink(node: PresenceNode, peer: string): void {
    const half = node.links.get(peer)
    if (half === undefined) return
    this.#closed(node, peer)
    this.#closed(half.to, node.key)
  }

  /** Cuts the network into groups by `group` of each node: connections between two groups are silent from now on. */
  cut(): void {
    for (const node of this.nodes.values()) {
      for (const [peer, half] of node.links) {
        if (half.to.group === node.group || node.key > peer) continue
        const silent = SILENCE_MS - HEARTBEAT_MS * this.random()
        this.at(this.now + silent, () => {
          if (half.to.group !== node.group) this.breakLink(node, peer)
        })
      }
    }
  }

  /** Asks the peer for a link, as topics ask lost neighbours. */
  connect(node: PresenceNode, peer: PresenceNode): void {
    this.#handle(node, { _tag: "Connect", topic: TOPIC, peers: [peer.key] })
  }

  at(at: number, run: () => void): void {
    this.#schedule.scheduleAt(at, { _tag: "Call", run })
  }

  /** Lets time pass, or as much of it as until `isDone`, which is asked every 10 ms. */
  run(ms: number, isDone?: () => boolean): void {
    const end = this.now + ms
    let askAt = this.now
    for (;;) {
      const at = this.#schedule.nextAt
      if (at === undefined || at > end) break
      if (isDone !== undefined && at >= askAt) {
        this.now = askAt
        if (isDone()) return
        askAt = Math.max(at, askAt + 10)
      }
      this.now = at
      this.events++
      this.#perform(this.#schedule.takeNext()!)
    }
    this.now = end
  }

  #perform(due: Due): void {
    switch (due._tag) {
      case "Message":
      case "Whisper": {
        const { from, half } = due
        if (!half.to.isAlive || half.link.status !== "open") return
        if (due._tag === "Message") {
          this.#handle(half.to, { _tag: "Received", from: from.key, topic: TOPIC, message: due.message })
        } else {
          half.to.presence?.whisper(from.key, due.bytes, this.now)
          this.#settle(half.to)
        }
        return
      }
      case "Timer":
        if (due.node.isAlive) this.#handle(due.node, { _tag: "TimerExpired", timer: due.timer })
        return
      case "Tick": {
        const { node } = due
        if (!node.isAlive || node.presence === undefined || this.now < node.tickAt) return
        node.tickAt = Number.POSITIVE_INFINITY
        node.presence.tick(this.now)
        this.#settle(node)
        return
      }
      case "Call":
        due.run()
    }
  }

  #handle(node: PresenceNode, event: Event<string>): void {
    const actions = this.#actions
    const start = actions.length
    node.gossip.handle(event, this.now, actions)
    const own = actions.splice(start)
    for (const action of own) this.#act(node, action)
    for (const action of own) if (action._tag === "DisconnectPeer") this.#disconnect(node, action.peer)
    if (node.isTouched) this.#settle(node)
  }

  #act(node: PresenceNode, action: Action<string>): void {
    switch (action._tag) {
      case "Send": {
        this.traffic[kindOfMessage(action.message)] += gossipBytes(action.message)
        const half = this.#halfTo(node, action.to)
        if (half !== undefined) this.#send(node, half, { _tag: "Message", half, from: node, message: action.message })
        return
      }
      case "ScheduleTimer":
        this.#schedule.scheduleAt(this.now + action.delayMs, { _tag: "Timer", node, timer: action.timer })
        return
      case "Emit":
        if (action.event._tag === "NeighborUp") {
          node.neighbors.add(action.event.peer)
          node.isTouched = true
          node.presence?.neighborUp(action.event.peer, this.now)
        } else if (action.event._tag === "NeighborDown") {
          node.neighbors.delete(action.event.peer)
          node.isTouched = true
          node.presence?.neighborDown(action.event.peer, action.event.reason === "lost", this.now)
        }
        return
      case "DisconnectPeer":
      case "PeerData":
    }
  }

  /** Does what presence wants, and plans its next tick. */
  #settle(node: PresenceNode): void {
    const { presence } = node
    node.isTouched = false
    if (presence === undefined) return
    for (;;) {
      const outputs = presence.take()
      if (outputs.length === 0) break
      for (const output of outputs) {
        switch (output._tag) {
          case "Broadcast":
            if (this.isDirect) this.#deliver(node, output.note)
            else this.#handle(node, { _tag: "Broadcast", topic: TOPIC, content: output.note, scope: "swarm" })
            break
          case "Whisper": {
            const half = node.links.get(output.peer)
            this.traffic[kindOfWhisper(output.bytes)] += whisperBytes(output.bytes)
            if (half?.link.status === "open") {
              this.#send(node, half, { _tag: "Whisper", half, from: node, bytes: output.bytes })
            }
            break
          }
          case "KeyInUse":
            throw new Error("a key is in use twice")
          default:
            this.#options.onChange?.(node, output._tag, output.entry.member, this.now)
        }
      }
    }
    const at = Math.max(presence.deadline, this.now)
    if (at >= node.tickAt && node.tickAt >= this.now) return
    node.tickAt = at
    if (at !== Number.POSITIVE_INFINITY) this.#schedule.scheduleAt(at, { _tag: "Tick", node })
  }

  #deliver(from: PresenceNode, note: Uint8Array): void {
    for (const node of this.nodes.values()) {
      if (node === from || node.presence === undefined) continue
      node.presence.receive(from.key, note, this.now)
      this.#settle(node)
    }
  }

  #send(from: PresenceNode, half: Half, due: Extract<Due, { _tag: "Message" | "Whisper" }>): void {
    if (half.link.status === "dialling") {
      half.link.queue.push(due)
      return
    }
    if (half.link.status === "closed" || from.group !== half.to.group) return
    half.arrivesAt = Math.max(half.arrivesAt, this.now + half.link.latency + this.#repeats(half.link.latency))
    this.#schedule.scheduleAt(half.arrivesAt, due)
  }

  /** The time that lost packets cost: a probe time-out each, which doubles (RFC 9002, 6.2.1). */
  #repeats(latency: number, first = 3 * latency + MAX_DELAY_MS): number {
    let ms = 0
    for (let probe = first; this.#options.loss > 0 && this.random() < this.#options.loss; probe *= 2) ms += probe
    return ms
  }

  #halfTo(node: PresenceNode, key: string): Half | undefined {
    const known = node.links.get(key)
    if (known !== undefined) return known
    const peer = this.nodes.get(key)
    const [least, most] = this.#options.latency
    const link: Link = { latency: least + (most - least) * this.random(), status: "dialling", queue: [] }
    const to = peer ?? node
    const half: Half = { link, to, arrivesAt: 0 }
    node.links.set(key, half)
    if (peer === undefined || !peer.isAlive || peer.group !== node.group) {
      this.at(this.now + DIAL_TIMEOUT_MS, () => {
        if (node.links.get(key) === half) this.#closed(node, key)
      })
      return half
    }
    const back = peer.links.get(node.key) ?? { link, to: node, arrivesAt: 0 }
    peer.links.set(node.key, back)
    // The handshake of QUIC, then the door.
    const ms =
      6 * link.latency + this.#repeats(link.latency, 999) + this.#repeats(link.latency) + this.#repeats(link.latency)
    this.at(this.now + ms, () => {
      if (!node.isAlive || !peer.isAlive || link.status !== "dialling" || node.links.get(key) !== half) return
      link.status = "open"
      for (const [one, other] of [
        [node, peer],
        [peer, node],
      ] as const) {
        one.presence?.lineUp(other.key, this.now)
        this.#settle(one)
      }
      for (const due of link.queue.splice(0)) {
        if (due._tag === "Message" || due._tag === "Whisper") this.#send(due.from, due.half, due)
      }
    })
    return half
  }

  /** The topic needs the connection no more. */
  #disconnect(node: PresenceNode, key: string): void {
    const half = node.links.get(key)
    if (half === undefined) return
    node.links.delete(key)
    node.presence?.lineDown(key, this.now)
    node.isTouched = true
    const { link, to } = half
    this.at(Math.max(half.arrivesAt + 1, this.now + link.latency), () => {
      link.status = "closed"
      if (to.links.get(node.key)?.link === link) this.#closed(to, node.key)
    })
  }

  #closed(node: PresenceNode, key: string): void {
    const half = node.links.get(key)
    if (!node.isAlive || half === undefined) return
    half.link.status = "closed"
    node.links.delete(key)
    node.presence?.lineDown(key, this.now)
    node.isTouched = true
    this.#handle(node, { _tag: "PeerDisconnected", peer: key })
  }

  #remove(node: PresenceNode): void {
    node.isAlive = false
    this.nodes.delete(node.key)
  }

  /** A node without neighbours looks for one. */
  #search(node: PresenceNode): void {
    if (!node.isAlive) return
    this.at(this.now + SEARCH_MS, () => this.#search(node))
    if (node.neighbors.size > 0) return
    const others = [...this.nodes.values()].filter((each) => each !== node && each.group === node.group)
    if (others.length === 0) return
    const peers = [others[this.rng.nextInt(others.length)]!.key, others[this.rng.nextInt(others.length)]!.key]
    this.#handle(node, { _tag: "Join", topic: TOPIC, peers })
  }

  #sign(key: string, kind: number, stamp: number, body: Uint8Array): Uint8Array {
    const note = Note.unsigned(kind, fromHex(key), stamp, body)
    const rng = new Xoshiro128(BigInt(++this.#signatures))
    for (let i = note.length - 64; i < note.length; i++) note[i] = rng.nextInt(256)
    return note
  }
}
