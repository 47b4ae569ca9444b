/** Orders work that is given in groups (scenarios with their seeds), so that the longest pieces start first. */
import { Effect } from "effect"

/**
 * Runs the work of all groups, the most costly first, so that only short pieces are left at the end. `run` must return the
 * results in the order of its input. Returns each group's results in the group's own order.
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
