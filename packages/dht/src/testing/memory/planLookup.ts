/**
 * Plans which nodes a lookup in the simulated network asks, and when, given its luck. Times are in ms from its beginning. It knows
 * no clock.
 */
import { NEAREST_PAUSE_MS } from "../../lookup/Lookup.ts"

/** One query, and its answer. */
export interface Question {
  /** The index of the virtual node. */
  readonly node: number
  /** The node answers with what it holds at this time. */
  readonly sentAt: number
  /** Undefined if the query or the answer is lost. */
  readonly answeredAt: number | undefined
}

export interface LookupPlan {
  readonly questions: ReadonlyArray<Question>
  /** For each node that answers, closest first, the time by which it and all closer nodes have answered. */
  readonly answeredBy: ReadonlyArray<number>
  readonly end: number
}

export interface PlanOptions {
  /** Nodes, closest first; more than `wanted` if others can take the place of some. */
  readonly nodes: ReadonlyArray<number>
  /** The number of nodes that must answer. */
  readonly wanted: number
  /** The number of these that must have answered before the others are asked. */
  readonly first: number
  /** The time at which the closest nodes are known. */
  readonly start: number
  /** Whether the query of this node at this time is lost. The node is undefined if it is none of the known ones. */
  readonly isLost: (node: number | undefined) => boolean
  readonly roundTrip: () => number
  /** The time without an answer after which another node is asked; 0 for never. */
  readonly lostDelay: number
}

/** After this time a get over UDP ends with what it has. */
export const LONGEST_LOOKUP_MS = 10_000

export const planLookup = ({ nodes, wanted, first, start, ...luck }: PlanOptions): LookupPlan => {
  const questions: Array<Question> = []
  const answeredBy: Array<number> = []
  let end = start
  const ask = (count: number, begins: number): void => {
    const due = Array.from({ length: count }, () => begins)
    for (const sentAt of due) {
      // Beyond the known nodes there are always others, which hold nothing.
      const node = nodes[questions.length]
      if (luck.isLost(node)) {
        if (node !== undefined) questions.push({ node, sentAt, answeredAt: undefined })
        if (luck.lostDelay === 0) continue
        const askedNext = sentAt + luck.lostDelay
        if (askedNext < LONGEST_LOOKUP_MS) due.push(askedNext)
        else end = Math.max(end, LONGEST_LOOKUP_MS)
        continue
      }
      const answeredAt = sentAt + luck.roundTrip()
      end = Math.max(end, answeredAt)
      if (node === undefined) continue
      questions.push({ node, sentAt, answeredAt })
      answeredBy.push(end)
    }
  }
  ask(Math.min(first, wanted), start)
  if (first < wanted) ask(wanted - first, end + NEAREST_PAUSE_MS)
  return { questions, answeredBy, end }
}
