/** The DHT queries of a whole topic, joins and healing, by the number of nodes; simulated. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Figures = Schema.Struct({ load: Schema.Finite, joins: Schema.Array(Schema.Finite), heal: Schema.Finite })

/** Trickle suppression as by default, and the minutes that the swarm runs before it is measured. */
const WITH_SUPPRESSION = { maxSuppression: 100, minutes: 30 }
/** Without Trickle suppression, as in the Rust crate. No rate adapts, so a shorter time is enough. */
const EVERY_ROUND = { maxSuppression: 1, minutes: 8 }

/** Each swarm is simulated once with each seed. */
const SEEDS = [1, 2, 3, 4, 5]

export const swarm: Benchmark = {
  name: "swarm",
  about: "DHT queries a minute of a whole topic, joins and healing, by the number of nodes; simulated",
  run: Effect.fnUntraced(function* (run) {
    const results: Array<Result> = []
    for (const count of run.nodes) {
      const sample = (how: typeof WITH_SUPPRESSION) =>
        Effect.forEach(run.rounds < SEEDS.length ? SEEDS.slice(0, 1) : SEEDS, (seed) =>
          Programs.run(Figures, Programs.ours("swarm", count, how.maxSuppression, how.minutes, seed), "15 minutes"),
        )
      const [ours, everyRound] = [yield* sample(WITH_SUPPRESSION), yield* sample(EVERY_ROUND)]
      const figure = (what: string, unit: string, of: (figures: typeof Figures.Type) => ReadonlyArray<number>) =>
        result(`swarm/${count} nodes, ${what}`, unit, "lower", ours.flatMap(of), {
          "every round, as the crate": median(everyRound.flatMap(of)),
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
