/** The parts of the client that lookups use, and the options of one lookup. Types only. */
import type { Timers } from "@topic-tracker/common"
import type { VerifiedItems } from "../bep44/VerifiedItems.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import type { ReachOf } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode, MutableKey } from "../model.ts"
import type { LookupEnd } from "../trace.ts"
import type { AnsweredNode, PackedNodes } from "./ClosestNodes.ts"
import type { QueryScheduler } from "./QueryScheduler.ts"

/** The parts of the client that lookups use. */
export interface LookupContext {
  readonly socket: KrpcSocket
  readonly timers: Timers
  readonly scheduler: QueryScheduler
  readonly verified: VerifiedItems
  /** Our node id, for our queries, and all nodes that we know: those of the table. */
  readonly table: { readonly id: Uint8Array; readonly nodes: ReadonlyArray<DhtNode> }
  /** The number of closest nodes that a whole lookup asks. */
  readonly k: number
  /** Queries that one lookup keeps open at most. */
  readonly alpha: number
  readonly maxQueriesPerLookup: number
  /**
   * The nodes at which a lookup starts: the closest of the routing table, and if those are few, nodes of earlier runs and addresses to
   * ask.
   */
  readonly start: (target: Uint8Array) => {
    readonly nodes: ReadonlyArray<DhtNode>
    readonly remembered: ReadonlyArray<DhtNode>
    readonly addresses: ReadonlyArray<DhtAddress>
  }
  /** From 0 up to but not including 1. */
  readonly random: () => number
  /** See `HostRules`. */
  readonly reachOf: ReachOf
  /** The distance in which k nodes are expected, as a `distancePrefix`; undefined if that is unknown. */
  readonly expectedDistance: () => number | undefined
  /** Runs when a bootstrap node of the public DHT has named these nodes. */
  readonly onRouter: (named: ReadonlyArray<DhtNode>, from: DhtAddress) => void
  /** Counts the hosts whose names were dropped. */
  readonly onDoubtedSources: (count: number) => void
}

export interface LookupOptions {
  readonly target: Uint8Array
  /** The key whose items to find; undefined to find only nodes. */
  readonly key: MutableKey | undefined
  /** The number of closest nodes to ask. A lookup with fewer than the context's k is partial: it spares a repeated get. */
  readonly k: number
  /** The closest nodes that a lookup of the last minutes found. */
  readonly known: PackedNodes | undefined
  /** Runs once, when the nearest nodes are found and the lookup goes on. */
  readonly onNearest: (nearest: ReadonlyArray<AnsweredNode>) => void
  /** Runs once, at the end. `closest` is undefined if the lookup was stopped early. */
  readonly onEnd: (closest: ReadonlyArray<AnsweredNode> | undefined, end: LookupEnd) => void
}
