/** What a topic asks of the DHT as its swarm grows, and what newcomers and split swarms have of it; simulated. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Figures = Schema.Struct({ load: Schema.Finite, joins: Schema.Array(Schema.Finite), heal: Schema.Finite })

/** How many turns are taken at the least, of how many; and how long the swarm lives before it is measured, in minutes. */
const thinned = { maxSuppression: 100, minutes: 30 }
/** As the reference: every turn. Nothing adapts, so that little time is enough. */
const every = { maxSuppression: 1, minutes: 8 }

/** How often each swarm is simulated, from a seed of its own. */
const seeds = [1, 2, 3, 4, 5]

export const swarm: Benchmark = {
  name: "swarm",
  about: "DHT queries of a whole topic in a minute, joins and healing at growing numbers of nodes, simulated",
  run: Effect.fnUntraced(function* (run) {
    const results: Array<Result> = []
    for (const count of run.nodes) {
      const sample = (how: typeof thinned) =>
        Effect.forEach(run.rounds < seeds.length ? seeds.slice(0, 1) : seeds, (seed) =>
          Programs.run(Figures, Programs.ours("swarm", count, how.maxSuppression, how.minutes, seed), "15 minutes"),
        )
      const [ours, reference] = [yield* sample(thinned), yield* sample(every)]
      const figure = (what: string, unit: string, of: (figures: typeof Figures.Type) => ReadonlyArray<number>) =>
        result(`swarm/${count} nodes, ${what}`, unit, "lower", ours.flatMap(of), {
          "every round, as the crate": median(reference.flatMap(of)),
        })
      results.push(
        figure("DHT queries a minute", "", ({ load }) => [load]),
        figure("until a newcomer has joined", "simulated ms", ({ joins }) => joins),
        figure("until a partition is healed", "simulated ms", ({ heal }) => [heal]),
      )
    }
    return results
  }),
}
