/** Messages of 100 B between two processes in a channel of a members-only topic, compared with those of a plain topic. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import { median, quantile } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Samples = Schema.Array(
  Schema.Struct({
    name: Schema.String,
    rates: Schema.Array(Schema.Finite),
    latencies: Schema.Array(Schema.Finite),
  }),
)

const PLAIN = "plain topic"

export const channel: Benchmark = {
  name: "channel",
  about: "messages of a channel, signed and sealed or sealed with the shared key only, beside a plain topic's",
  run: Effect.fnUntraced(function* (run) {
    const ways = yield* Effect.gen(function* () {
      const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, 0))
      yield* Programs.start(Schema.Unknown, Programs.ours("channelEcho", port)).pipe(Effect.forkScoped)
      return yield* Programs.run(Samples, Programs.ours("channel", run.seconds, port), "5 minutes")
    }).pipe(Effect.scoped)
    const plain = ways[0]!
    return ways.slice(1).flatMap(({ latencies, name, rates }): ReadonlyArray<Result> => {
      const label = `channel/${name}, 100 B, two processes`
      const latency = (q: number) =>
        result(`${label}, latency p${q * 100}`, "ms", "lower", [quantile(latencies, q)], {
          [PLAIN]: quantile(plain.latencies, q),
        })
      return [
        result(`${label}, 32 in flight`, "msg/s", "higher", rates, { [PLAIN]: median(plain.rates) }),
        latency(0.5),
        latency(0.99),
      ]
    })
  }),
}
