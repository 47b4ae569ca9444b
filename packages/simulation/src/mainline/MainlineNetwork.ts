/**
 * A mainline DHT as a network of datagrams: queries of clients go in, the answers of its nodes come out after their round trips.
 * Nodes answer as mainline nodes do (BEP 5, BEP 44): with the nearest nodes they know, a token, and an item if they hold one; they lose
 * packets, leave queries over their service rate unanswered, and most of what they name may be gone. Bootstrap nodes name random
 * nodes. It knows no topic.
 */
import { Bytes, type Timers } from "@topic-tracker/common"
import { type DhtAddress, targetOf } from "@topic-tracker/dht"
import {
  type Bencode,
  type EncodableDictionary,
  encodeBencode,
  type KrpcMessage,
  parseDatagram,
  type Query,
} from "@topic-tracker/dht/testing"
import type { DhtLoad } from "../environment/Environment.ts"
import type { MainlineSettings } from "../scenario/DhtSettings.ts"
import { NODE_PORT, Population } from "./Population.ts"

/** A client as the network sees it. */
export interface MainlineClient {
  /** Its public address. */
  readonly address: DhtAddress
  /** Whether packets pass between it and the node now. */
  readonly reaches: (node: number) => boolean
  readonly receive: (datagram: Uint8Array, from: DhtAddress) => void
}

interface Held {
  readonly k: Uint8Array
  readonly sig: Uint8Array
  readonly seq: bigint
  readonly v: Bencode
}

/** The memory of a node that was asked. */
interface NodeState {
  readonly items: Map<string, Held>
  gets: number
  puts: number
  /** Bytes that it may still send, at this time (ms). */
  quota: number
  quotaAt: number
}

/** The bootstrap nodes. They know no BEP 44. */
export const bootstrapNodes: ReadonlyArray<DhtAddress> = [1, 2, 3, 4].map((last) => ({
  host: `9.9.9.${last}`,
  port: 6881,
}))
/** Their order in going: `bootstrapDead` says how many are gone. */
const BOOTSTRAP_GOES = [1, 3, 2, 0]
const BOOTSTRAP_ROUND_TRIP_MS = 90
/** Bootstrap nodes name nodes that were there lately: this share of the dead nodes that they would name is named. */
const NAMES_DEAD = 0.2

/** The nodes on which a put stores its item. */
const SLOT_NODES = 20

/** libtorrent lets a node send so many seconds' worth of its rate at once. */
const BURST_SECONDS = 3

/** Error codes of BEP 5 and BEP 44. */
const PROTOCOL_ERROR = 203
const CAS_MISMATCH = 301
const SEQ_TOO_LOW = 302

const COMPACT_NODE_BYTES = 26

export class MainlineNetwork {
  readonly population: Population
  readonly #settings: MainlineSettings
  readonly #timers: Timers
  readonly #random: () => number
  /** The positions in `bootstrapNodes` of those that are gone. */
  readonly #goneBootstrap: ReadonlySet<number>
  /** Nodes that were asked, in the order of their first query. */
  readonly #states = new Map<number, NodeState>()

  /** `random`: from 0 up to but not including 1. `salt`: an integer from the seed. */
  constructor(settings: MainlineSettings, options: { timers: Timers; random: () => number; salt: number }) {
    this.#settings = settings
    this.#timers = options.timers
    this.#random = options.random
    this.#goneBootstrap = new Set(BOOTSTRAP_GOES.slice(0, Math.round(settings.bootstrapDead * BOOTSTRAP_GOES.length)))
    this.population = new Population(settings, options.salt)
  }

  /** Queries that each node has received which received any, in the order of their first ones. */
  get load(): ReadonlyArray<DhtLoad> {
    return [...this.#states.values()].map(({ gets, puts }) => ({ gets, puts }))
  }

  /** The node at this IPv4 address; undefined for a bootstrap node. */
  nodeAt(host: string): number | undefined {
    return this.population.nodeAt(hostNumber(host))
  }

  /** Whether the node holds an item under the target. */
  holds(node: number, target: Uint8Array): boolean {
    return this.#states.get(node)?.items.has(keyOf(target)) ?? false
  }

  /** Of the 20 nodes that are truly the nearest to the target and answer gets, those that hold an item under it. */
  nearestHolding(target: Uint8Array): number {
    return this.population.nearest(prefixOf(target), SLOT_NODES).filter((node) => this.holds(node, target)).length
  }

  /** Stores an item against all rules, at the nearest `nodes` nodes. */
  inject(item: Held & { readonly salt?: Uint8Array | undefined }, nodes: number): void {
    const target = targetOf(item.k, item.salt)
    for (const node of this.population.nearest(prefixOf(target), nodes)) {
      this.#stateOf(node).items.set(keyOf(target), item)
    }
  }

  /** The client sends a datagram. */
  send(datagram: Uint8Array, to: DhtAddress, from: MainlineClient): void {
    const message = parseDatagram(datagram)
    const host = hostNumber(to.host)
    if (!isServed(message) || this.#isLost()) return
    const bootstrap = bootstrapNodes.findIndex((node) => node.host === to.host)
    if (bootstrap >= 0) {
      if (!this.#goneBootstrap.has(bootstrap)) this.#answerAsBootstrap(message, to, from)
      return
    }
    const node = this.population.nodeAt(host)
    if (node === undefined || to.port !== NODE_PORT || !from.reaches(node) || this.population.isDead(node)) return
    this.#answerAsNode(node, message, to, from)
  }

  #answerAsBootstrap(query: Query, to: DhtAddress, from: MainlineClient): void {
    if (query.q !== "find_node" && query.q !== "get_peers" && query.q !== "ping") return
    const nodes: Array<number> = []
    const { population } = this
    while (nodes.length < this.#settings.names) {
      const node = Math.floor(this.#random() * population.size)
      if (!population.isDead(node) || this.#random() < NAMES_DEAD) nodes.push(node)
    }
    const id = new Uint8Array(20).fill(hostNumber(to.host) & 0xff)
    const r = query.q === "ping" ? { id } : { id, nodes: this.#compact(nodes) }
    this.#deliver({ r }, query, BOOTSTRAP_ROUND_TRIP_MS, to, from)
  }

  #answerAsNode(node: number, query: Query, to: DhtAddress, from: MainlineClient): void {
    const { population } = this
    const isItemQuery = query.q === "get" || query.q === "put"
    const state = this.#stateOf(node)
    if (query.q === "get") state.gets++
    if (query.q === "put") state.puts++
    if (isItemQuery && population.isMute(node)) return
    if (this.#isOverRate(state)) return
    const answer =
      query.q === "put" ? this.#store(node, state, query, from) : { r: this.#reply(node, state, query, from) }
    const sent = this.#deliver(answer, query, population.roundTrip(node), to, from)
    state.quota -= sent
  }

  #reply(node: number, { items }: NodeState, query: Query, from: MainlineClient): EncodableDictionary {
    const id = new Uint8Array(20)
    this.population.writeId(node, new DataView(id.buffer), 0)
    if (query.q === "ping" || query.q === "announce_peer" || query.q === "put") return { id }
    const target = query.q === "get_peers" ? query.a.info_hash : query.a.target
    const nodes = this.#compact(this.population.named(node, prefixOf(target)))
    if (query.q === "find_node") return { id, nodes }
    const token = this.#tokenFor(node, from)
    if (query.q === "get_peers") return { id, nodes, token }
    const held = items.get(keyOf(target))
    return held === undefined
      ? { id, nodes, token }
      : { id, k: held.k, nodes, seq: held.seq, sig: held.sig, token, v: held.v }
  }

  #store(node: number, state: NodeState, query: Query & { readonly q: "put" }, from: MainlineClient) {
    const { a } = query
    const refused = (code: number, text: string): EncodableDictionary => ({ e: [code, text] })
    if (!Bytes.equals(a.token, this.#tokenFor(node, from))) return refused(PROTOCOL_ERROR, "invalid token")
    if (a.k === undefined) return { r: this.#reply(node, state, query, from) }
    const { cas, k, salt, seq, sig, v } = a
    const key = keyOf(targetOf(k, salt))
    const held = state.items.get(key)
    if (held !== undefined) {
      if (cas !== undefined && cas !== held.seq) return refused(CAS_MISMATCH, "cas mismatch")
      const keeps = seq === held.seq && this.population.keepsFirst(node) && !Bytes.equals(sig, held.sig)
      if (seq < held.seq || keeps) return refused(SEQ_TOO_LOW, "sequence number less than current")
    }
    // The datagram's memory belongs to the client.
    state.items.set(key, { k: k.slice(), sig: sig.slice(), seq, v: v instanceof Uint8Array ? v.slice() : v })
    return { r: this.#reply(node, state, query, from) }
  }

  /** The answer arrives after the round trip, unless it is lost. Returns its bytes. */
  #deliver(answer: EncodableDictionary, query: Query, ms: number, from: DhtAddress, to: MainlineClient): number {
    const datagram = encodeBencode({
      ...answer,
      ip: compactAddress(to.address),
      t: query.t,
      y: "r" in answer ? "r" : "e",
    })
    const jitter = this.#settings.jitterMs * (this.#random() + this.#random())
    if (!this.#isLost()) this.#timers.schedule(ms + jitter, () => to.receive(datagram, from))
    return datagram.length
  }

  #isLost(): boolean {
    const { loss } = this.#settings
    return loss > 0 && this.#random() < loss
  }

  #isOverRate(state: NodeState): boolean {
    const { answerBytesPerSecond: bytesPerSecond } = this.#settings
    if (bytesPerSecond === 0) return false
    const now = this.#timers.now()
    const gained = (bytesPerSecond * (now - state.quotaAt)) / 1000
    state.quota = Math.min(BURST_SECONDS * bytesPerSecond, state.quota + gained)
    state.quotaAt = now
    return state.quota <= 0
  }

  #stateOf(node: number): NodeState {
    let state = this.#states.get(node)
    if (state === undefined) {
      const quota = BURST_SECONDS * this.#settings.answerBytesPerSecond
      state = { items: new Map(), gets: 0, puts: 0, quota, quotaAt: this.#timers.now() }
      this.#states.set(node, state)
    }
    return state
  }

  /** Bound to the node and to the address of the client, as BEP 5 has it. */
  #tokenFor(node: number, { address }: MainlineClient): Uint8Array {
    const token = new Uint8Array(8)
    const view = new DataView(token.buffer)
    view.setUint32(0, Math.imul(node + 1, 0x9e3779b1))
    view.setUint32(4, Math.imul(hostNumber(address.host), 0x85ebca6b))
    return token
  }

  #compact(nodes: ReadonlyArray<number>): Uint8Array {
    const compact = new Uint8Array(nodes.length * COMPACT_NODE_BYTES)
    const view = new DataView(compact.buffer)
    nodes.forEach((node, i) => {
      const at = i * COMPACT_NODE_BYTES
      this.population.writeId(node, view, at)
      view.setUint32(at + 20, this.population.hostOf(node))
      view.setUint16(at + 24, NODE_PORT)
    })
    return compact
  }
}

/** A query of a method that the client uses. */
const isServed = (message: KrpcMessage | undefined): message is Query =>
  message !== undefined &&
  message.y === "q" &&
  ["ping", "find_node", "get_peers", "announce_peer", "get", "put"].includes(message.q)

/** The first 32 bits of an id. */
export const prefixOf = (id: Uint8Array): number => new DataView(id.buffer, id.byteOffset).getUint32(0)

const keyOf = (target: Uint8Array): string => Bytes.toHex(target)

const hostNumber = (host: string): number => host.split(".").reduce((number, part) => number * 256 + Number(part), 0)

const compactAddress = ({ host, port }: DhtAddress): Uint8Array => {
  const compact = new Uint8Array(6)
  const view = new DataView(compact.buffer)
  view.setUint32(0, hostNumber(host))
  view.setUint16(4, port)
  return compact
}
