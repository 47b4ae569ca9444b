/** The waiters of lookups: a lookup may serve several calls at the same time. */
import type { MutableItem } from "../model.ts"
import type { AnsweredNode } from "./ClosestNodes.ts"

/** A waiter of a lookup. None of its functions runs before `join` returns. */
export interface Subscriber {
  /** A distinct item whose signature is right. */
  readonly item: (item: MutableItem) => void
  readonly end: (outcome: LookupOutcome) => void
  readonly nearest?: AwaitNearest | undefined
}

/** `reached` runs once, when the `nodes` nearest nodes have answered, unless the lookup ends before. */
export interface AwaitNearest {
  readonly nodes: number
  readonly reached: (nearest: ReadonlyArray<AnsweredNode>) => void
}

export interface LookupOutcome {
  /** The number of nodes that were asked, and of those that answered. */
  readonly asked: number
  readonly answered: number
  /** The client was closed before the lookup was over. */
  readonly closed: boolean
}

/** How many nodes have answered, and how many were late or silent. */
export interface NodeOutcomes {
  readonly answered: number
  readonly silent: number
}

/** A subscription can end early. A lookup without subscriptions stops. */
export interface Subscription {
  readonly cancel: () => void
  /** The number of nodes that have answered so far. */
  readonly answered: () => number
  /** See `LookupState.outcomes`, of the k nearest nodes. */
  readonly outcomes: () => NodeOutcomes
}
