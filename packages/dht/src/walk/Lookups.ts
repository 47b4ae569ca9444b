/**
 * Runs walks over the socket, for many targets at once; walks of the same target are one. It keeps for five minutes which nodes were closest to a target and their tokens, so that a put needs no
 * walk of its own and the next walk starts where the last one ended.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Effect } from "effect"
import type { DhtAddress, MutableItem, MutableKey } from "../Dht.ts"
import { encode } from "../krpc/bencode.ts"
import type { KrpcSocket, QueryEvent } from "../krpc/KrpcSocket.ts"
import type { Reply } from "../krpc/krpcMessage.ts"
import { type StoredItem, verifyItem } from "../mutableItem.ts"
import { bytesKey, compareBytes, type DhtNode, decodeNodes } from "../nodeId.ts"
import type { Asker, Turns } from "./Turns.ts"
import { type Candidate, type HeardNode, Walk } from "./Walk.ts"

export interface LookupsOptions {
  readonly socket: KrpcSocket
  readonly crypto: Crypto["Service"]
  /** Our node id, for our queries. */
  readonly id: Uint8Array
  readonly k: number
  readonly alpha: number
  readonly turns: Turns
  readonly maxQueriesPerWalk: number
  /** Monotonic, in ms. */
  readonly now: () => number
  /** Where a walk starts: the closest nodes of the routing table, and addresses to ask when those are few. */
  readonly start: (target: Uint8Array) => {
    readonly nodes: ReadonlyArray<DhtNode>
    readonly addresses: ReadonlyArray<DhtAddress>
  }
}

/** Who waits for a walk. Neither is called before `subscribe` returns. */
export interface Subscriber {
  /** A distinct item whose signature holds. */
  readonly item: (item: MutableItem) => void
  readonly end: (outcome: WalkOutcome) => void
}

export interface WalkOutcome {
  /** How many nodes were asked, and how many answered. */
  readonly asked: number
  readonly heard: number
  /** The client was closed before the walk was over. */
  readonly closed: boolean
}

/** A subscription can be ended early; a walk nobody waits for any more stops. */
export interface Subscription {
  readonly cancel: () => void
  /** Nodes that have answered so far. */
  readonly heard: () => number
}

/** The nodes closest to a target that gave a token. */
interface ClosestTable {
  readonly nodes: ReadonlyArray<HeardNode>
  readonly at: number
}

/** Shorter than the ten minutes for which BEP 5 has nodes accept a token. */
const tableMaxAge = 5 * 60_000

const tablesMax = 2048

/** How many items whose signature held are remembered, at some 700 bytes each. */
const signedMax = 1024

export class Lookups {
  readonly options: LookupsOptions
  private readonly running = new Map<string, Lookup>()
  private readonly tables = new Map<string, ClosestTable>()
  private readonly signed = new Set<string>()
  /** Items that nodes answered with and whose signature did not hold. */
  invalidItems = 0
  /** Walks begun. */
  walks = 0

  private closed = false

  private constructor(options: LookupsOptions) {
    this.options = options
  }

  /** Walks in a scope: when it ends, who waits for one is told. */
  static readonly make = (options: LookupsOptions) =>
    Effect.acquireRelease(
      Effect.sync(() => new Lookups(options)),
      (lookups) => Effect.sync(() => lookups.close()),
    )

  /**
   * Joins the running walk of the target, or starts one. Items found before joining come first. Without a key the walk only
   * looks for nodes. Where a walk of the last minutes has found the closest nodes, `nodes` of them are enough to ask.
   */
  subscribe(target: Uint8Array, key: MutableKey | undefined, subscriber: Subscriber, nodes?: number): Subscription {
    const whole = `${key === undefined ? "find_node" : "get"} ${bytesKey(target)}`
    const { k } = this.options
    const isPart = nodes !== undefined && nodes < k && !this.running.has(whole) && this.closest(target) !== undefined
    const name = isPart ? `${nodes} of ${whole}` : whole
    let lookup = this.running.get(name)
    if (lookup === undefined) {
      lookup = new Lookup(this, name, target, key, isPart ? nodes : k)
      if (this.closed) queueMicrotask(() => lookup?.close())
      this.running.set(name, lookup)
      this.walks++
    }
    return lookup.join(subscriber)
  }

  /** The nodes to put to, from a walk that ended within five minutes; undefined when there was none. */
  closest(target: Uint8Array): ReadonlyArray<HeardNode> | undefined {
    const table = this.tables.get(bytesKey(target))
    return table === undefined || this.options.now() - table.at > tableMaxAge ? undefined : table.nodes
  }

  /** Forgets which nodes are closest to the target: their tokens were refused, or none answered. */
  forget(target: Uint8Array): void {
    this.tables.delete(bytesKey(target))
  }

  /**
   * For {@link Lookup} alone: whether the signature holds. Who asks again gets the same items again, so those that held are
   * remembered; `name` must differ for all that is signed, the key and the signature.
   */
  isSigned(item: StoredItem, name: string): boolean {
    if (this.signed.has(name)) return true
    if (!verifyItem(this.options.crypto, item)) {
      this.invalidItems++
      return false
    }
    if (this.signed.size >= signedMax) this.signed.clear()
    this.signed.add(name)
    return true
  }

  private close(): void {
    this.closed = true
    for (const lookup of this.running.values()) lookup.close()
  }

  /** For {@link Lookup} alone: its walk is over. */
  finished(lookup: Lookup, closest: ReadonlyArray<HeardNode> | undefined): void {
    this.running.delete(lookup.name)
    this.options.turns.leave(lookup)
    if (closest === undefined || closest.length === 0) return
    const name = bytesKey(lookup.target)
    this.tables.delete(name)
    this.tables.set(name, { nodes: closest, at: this.options.now() })
    if (this.tables.size <= tablesMax) return
    for (const oldest of this.tables.keys()) {
      this.tables.delete(oldest)
      break
    }
  }
}

/** One walk, its subscribers and what it has found. */
class Lookup implements Asker {
  readonly name: string
  readonly target: Uint8Array
  private readonly lookups: Lookups
  private readonly key: MutableKey | undefined
  /** Whether it asks fewer nodes than a put must reach. */
  private readonly isPart: boolean
  private readonly walk: Walk
  private readonly subscribers = new Set<Subscriber>()
  private readonly items = new Map<string, MutableItem>()
  private busy = 0
  private ended = false
  private begun = false

  constructor(lookups: Lookups, name: string, target: Uint8Array, key: MutableKey | undefined, k: number) {
    const { maxQueriesPerWalk, start } = lookups.options
    this.lookups = lookups
    this.name = name
    this.target = target
    this.key = key
    this.isPart = k < lookups.options.k
    this.walk = new Walk(target, { k, maxQueries: maxQueriesPerWalk })
    for (const node of lookups.closest(target) ?? []) this.add(node)
    if (this.isPart) return
    const { nodes, addresses } = start(target)
    for (const node of nodes) this.add(node)
    for (const address of addresses) this.walk.seed(address)
  }

  join(subscriber: Subscriber): Subscription {
    this.subscribers.add(subscriber)
    queueMicrotask(() => {
      if (!this.subscribers.has(subscriber)) return
      for (const item of this.items.values()) subscriber.item(item)
    })
    if (!this.begun) {
      this.begun = true
      queueMicrotask(() => this.step())
    }
    return { cancel: () => this.leave(subscriber), heard: () => this.walk.heard }
  }

  private leave(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber)
    if (this.subscribers.size === 0) this.end(undefined)
  }

  /** Asks the next node, if there is one and the walk has a query to spare. */
  askOne(): boolean {
    if (this.ended || this.busy >= this.lookups.options.alpha) return false
    const candidate = this.walk.next()
    if (candidate === undefined) return false
    const { socket, id, turns } = this.lookups.options
    this.busy++
    let counted = true
    const release = () => {
      if (!counted) return
      counted = false
      this.busy--
      turns.release()
    }
    socket.query(candidate, this.key === undefined ? "find_node" : "get", { id, target: this.target }, (event) => {
      release()
      if (!this.ended) this.on(candidate, event)
    })
    // A bootstrap node may be a router that knows nodes but no items: ask it for nodes too.
    if (candidate.id === undefined && this.key !== undefined) this.askForNodes(candidate)
    return true
  }

  private askForNodes(candidate: Candidate): void {
    const { socket, id } = this.lookups.options
    socket.query(candidate, "find_node", { id, target: this.target }, (event) => {
      if (this.ended || event._tag !== "reply" || event.reply.nodes === undefined) return
      for (const node of this.nodesOf(event.reply.nodes, candidate)) this.walk.add(node)
      this.step()
    })
  }

  private on(candidate: Candidate, event: QueryEvent): void {
    switch (event._tag) {
      case "slow":
        this.walk.slow(candidate)
        break
      case "lost":
      case "error":
        this.walk.lost(candidate)
        break
      case "reply": {
        const { id, token, nodes } = event.reply
        this.walk.answered(candidate, id, token, nodes === undefined ? [] : this.nodesOf(nodes, candidate))
        this.receive(event.reply)
      }
    }
    this.step()
  }

  private nodesOf(compact: Uint8Array, from: DhtAddress): ReadonlyArray<DhtNode> {
    return decodeNodes(compact, from.host).filter((node) => this.isWanted(node))
  }

  private add(node: DhtNode): void {
    if (this.isWanted(node)) this.walk.add(node)
  }

  /** Neither ourselves nor a node that has just kept another walk waiting. */
  private isWanted(node: DhtNode): boolean {
    const { id, socket } = this.lookups.options
    return !socket.isAbsent(node) && compareBytes(node.id, id) !== 0
  }

  private step(): void {
    if (this.ended) return
    this.lookups.options.turns.schedule(this)
    if (this.walk.finished) this.end(this.walk.closest.filter(({ token }) => token !== undefined))
  }

  /** Hands on the answer's item if it is one of our key, new, and signed. */
  private receive({ v, k, sig, seq }: Reply): void {
    if (this.key === undefined || !(v instanceof Uint8Array) || sig === undefined || seq === undefined) return
    const { publicKey, salt } = this.key
    if (k?.some((byte, i) => byte !== publicKey[i])) return
    const name = `${seq}/${bytesKey(v)}`
    if (this.items.has(name)) return
    const item: StoredItem = { publicKey, salt, seq, encodedValue: encode(v), signature: sig }
    if (!this.lookups.isSigned(item, `${bytesKey(this.target)}${bytesKey(sig)}${name}`)) return
    const found: MutableItem = { ...this.key, seq, value: v.slice(), signature: sig.slice() }
    this.items.set(name, found)
    for (const subscriber of this.subscribers) subscriber.item(found)
  }

  /** The client is closed: whoever waits is told. */
  close(): void {
    this.end(undefined, true)
  }

  private end(closest: ReadonlyArray<HeardNode> | undefined, closed = false): void {
    if (this.ended) return
    this.ended = true
    // Nobody at all: then it is our own network that fails, and says nothing of the nodes.
    if (this.walk.heard === 0) this.lookups.options.socket.forgetAbsences()
    if (this.walk.heard === 0 && this.isPart) this.lookups.forget(this.target)
    this.lookups.finished(this, this.isPart ? undefined : closest)
    const outcome = { asked: this.walk.queries, heard: this.walk.heard, closed }
    for (const subscriber of this.subscribers) subscriber.end(outcome)
    this.subscribers.clear()
  }
}
