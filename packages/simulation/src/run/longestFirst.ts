/** Work in groups, as scenarios × seeds are, done as one. */
import { Effect } from "effect"

/**
 * Runs the work of all groups, that of the highest cost first, for what is left at the end should be short. `run` gives the
 * results in the order that it was given. The answer: each group's results, in the group's own order.
 */
export const longestFirst = <W extends object, R, E>(
  groups: ReadonlyArray<ReadonlyArray<W>>,
  cost: (work: W) => number,
  run: (work: ReadonlyArray<W>) => Effect.Effect<ReadonlyArray<R>, E>,
): Effect.Effect<ReadonlyArray<ReadonlyArray<R>>, E> => {
  const order = groups.flat().toSorted((a, b) => cost(b) - cost(a))
  return Effect.map(run(order), (done) => {
    const results = new Map(order.map((work, i) => [work, done[i]!]))
    return groups.map((group) => group.map((work) => results.get(work)!))
  })
}
