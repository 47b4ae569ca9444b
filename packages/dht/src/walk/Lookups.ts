/**
 * Runs walks over the socket, for many targets at once; walks of the same target are one. It keeps for five minutes which nodes were closest to a target and their tokens, so that a put needs no
 * walk of its own and the next walk starts where the last one ended.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Effect } from "effect"
import type { DhtAddress, GetOptions, MutableKey } from "../Dht.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import { bytesKey, type DhtNode } from "../nodeId.ts"
import { type HeardNode, type PackedNodes, packNodes, unpackNodes } from "./heardNodes.ts"
import { Lookup, type Subscriber, type Subscription } from "./Lookup.ts"
import { SignedItems } from "./SignedItems.ts"
import type { Turns } from "./Turns.ts"

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

/** The nodes closest to a target that gave a token. */
interface ClosestTable {
  readonly nodes: PackedNodes
  readonly at: number
  /** Whether the walk that found them was over: before that they are the nearest, but not all that a put must reach. */
  readonly isWhole: boolean
}

/** Shorter than the ten minutes for which BEP 5 has nodes accept a token. */
const tableMaxAge = 5 * 60_000

const tablesMax = 2048

export class Lookups {
  readonly options: LookupsOptions
  private readonly running = new Map<string, Lookup>()
  private readonly tables = new Map<string, ClosestTable>()
  /** The items that nodes answered with. */
  readonly signed: SignedItems
  /** Walks begun. */
  walks = 0

  private closed = false

  private constructor(options: LookupsOptions) {
    this.options = options
    this.signed = new SignedItems(options.crypto)
  }

  /** Walks in a scope: when it ends, who waits for one is told. */
  static readonly make = (options: LookupsOptions) =>
    Effect.acquireRelease(
      Effect.sync(() => new Lookups(options)),
      (lookups) => Effect.sync(() => lookups.close()),
    )

  /**
   * Joins the running walk of the target, or starts one. Items found before joining come first. Without a key the walk only
   * looks for nodes. The options are those of `Dht.get`.
   */
  subscribe(
    target: Uint8Array,
    key: MutableKey | undefined,
    subscriber: Subscriber,
    { ahead = false, nodes }: GetOptions,
  ): Subscription {
    const whole = `${key === undefined ? "find_node" : "get"} ${bytesKey(target)}`
    const { k } = this.options
    const known = this.known(target)?.nodes
    const running = this.running.get(whole)
    // What the nearest nodes have answered to a walk still under way is no news.
    const isPart = nodes !== undefined && nodes < k && known !== undefined && (running === undefined || running.isNear)
    const name = isPart ? `${nodes} of ${whole}` : whole
    let lookup = this.running.get(name)
    if (lookup === undefined) {
      lookup = new Lookup(this, { name, target, key, k: isPart ? nodes : k, known })
      if (this.closed) queueMicrotask(() => lookup?.close())
      this.running.set(name, lookup)
      this.walks++
    }
    if (ahead) lookup.ahead = true
    return lookup.join(subscriber)
  }

  /** The nodes to put to, from a walk that ended within five minutes; undefined when there was none. */
  closest(target: Uint8Array): ReadonlyArray<HeardNode> | undefined {
    const known = this.known(target)
    return known?.isWhole === true ? unpackNodes(known.nodes) : undefined
  }

  private known(target: Uint8Array): ClosestTable | undefined {
    const table = this.tables.get(bytesKey(target))
    return table === undefined || this.options.now() - table.at > tableMaxAge ? undefined : table
  }

  /** Forgets which nodes are closest to the target: their tokens were refused, or none answered. */
  forget(target: Uint8Array): void {
    this.tables.delete(bytesKey(target))
  }

  private close(): void {
    this.closed = true
    for (const lookup of this.running.values()) lookup.close()
  }

  /** For {@link Lookup} alone: its walk is over. */
  finished(lookup: Lookup, closest: ReadonlyArray<HeardNode> | undefined): void {
    const { name, target } = lookup.options
    this.running.delete(name)
    this.options.turns.leave(lookup)
    if (closest !== undefined) this.keep(target, closest, true)
  }

  /** For {@link Lookup} alone: these are the nearest nodes, and the walk goes on. */
  neared(lookup: Lookup, closest: ReadonlyArray<HeardNode>): void {
    const { target } = lookup.options
    if (this.known(target) === undefined) this.keep(target, closest, false)
  }

  private keep(target: Uint8Array, closest: ReadonlyArray<HeardNode>, isWhole: boolean): void {
    const nodes = packNodes(closest)
    if (nodes.length === 0) return
    const key = bytesKey(target)
    this.tables.delete(key)
    this.tables.set(key, { nodes, at: this.options.now(), isWhole })
    if (this.tables.size > tablesMax) this.tables.delete(this.tables.keys().next().value!)
  }
}
