/** Which nodes a walk in the simulated network asks and when, with the luck it has. Times are in ms from its beginning. */
import { NEAR_PAUSE } from "../walk/Lookup.ts"

/** One query, and its answer. */
export interface Question {
  /** The virtual node's index. */
  readonly node: number
  /** The node answers with what it holds then. */
  readonly sentAt: number
  /** Undefined when the query, or the answer, is lost. */
  readonly answeredAt: number | undefined
}

export interface WalkPlan {
  readonly questions: ReadonlyArray<Question>
  /** By when the nodes up to each one that answers have answered, closest first. */
  readonly answeredBy: ReadonlyArray<number>
  readonly end: number
}

export interface WalkOptions {
  /** Nodes, closest first; more than `wanted` when others can take the place of some. */
  readonly nodes: ReadonlyArray<number>
  /** How many are to answer, and how many of these before the others are asked. */
  readonly wanted: number
  readonly first: number
  /** When the closest nodes are known. */
  readonly start: number
  readonly isLost: () => boolean
  readonly roundTrip: () => number
  /** After how long without an answer another node is asked, in ms; 0 for never. */
  readonly lostDelay: number
}

/** After so many ms a get over UDP ends with what it has. */
export const longestWalk = 10_000

export const planWalk = ({ nodes, wanted, first, start, ...luck }: WalkOptions): WalkPlan => {
  const questions: Array<Question> = []
  const answeredBy: Array<number> = []
  let end = start
  const ask = (count: number, begins: number): void => {
    const due = Array.from({ length: count }, () => begins)
    for (const sentAt of due) {
      // Beyond the known ones there are always others, which hold nothing.
      const node = nodes[questions.length]
      if (luck.isLost()) {
        if (node !== undefined) questions.push({ node, sentAt, answeredAt: undefined })
        if (luck.lostDelay === 0) continue
        const askedNext = sentAt + luck.lostDelay
        if (askedNext < longestWalk) due.push(askedNext)
        else end = Math.max(end, longestWalk)
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
  if (first < wanted) ask(wanted - first, end + NEAR_PAUSE)
  return { questions, answeredBy, end }
}
