/**
 * 1 MB of one author to the members of a channel, and the small messages of the others meanwhile, between processes on real sockets. Once with few members, which
 * two cores carry: there the protocol decides how long small messages wait. And once with 20, which overload two cores even without the 1 MB.
 */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { quantile } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Samples = Schema.Struct({
  transfers: Schema.Array(Schema.Finite),
  quiet: Schema.Array(Schema.Finite),
  large: Schema.Array(Schema.Finite),
})

const SWARMS = [
  { members: 6, processes: 3 },
  { members: 20, processes: 4 },
] as const
const QUIET = "without it"

export const channelLarge: Benchmark = {
  name: "channel-large",
  about: "1 MB to 6 and 20 members of a channel, and how much longer small messages of the others take meanwhile",
  run: ({ rounds }) =>
    Effect.map(
      Effect.forEach(SWARMS, (swarm) => measure(swarm, rounds)),
      (each) => each.flat(),
    ),
}

const measure = Effect.fnUntraced(function* ({ members, processes }: (typeof SWARMS)[number], rounds: number) {
  const samples = yield* Effect.gen(function* () {
    const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, 0))
    const program = (...args: ReadonlyArray<number>) =>
      Programs.run(Samples, Programs.ours("channelLarge", port, ...args), "4 minutes")
    const others = Array.from({ length: processes }, () => program(members / processes, 0, 0))
    return yield* Effect.all([program(0, members, rounds), ...others], { concurrency: "unbounded" })
  }).pipe(Effect.scoped)
  const quiet = samples.flatMap((each) => each.quiet)
  const large = samples.flatMap((each) => each.large)
  const label = `channel-large/small messages beside 1 MB to ${members} members`
  return [
    result(`channel-large/1 MB to ${members} members, all have it after`, "ms", "lower", samples[0]!.transfers),
    ...[0.5, 0.9, 0.99, 1].map((q) =>
      result(`${label}, ${q === 1 ? "longest" : `p${q * 100}`}`, "ms", "lower", [quantile(large, q)], {
        [QUIET]: quantile(quiet, q),
      }),
    ),
  ]
})
