/** Streams and calls between two peers, compared with iroh's binding alone in the same run. */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { median, quantile } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Both = Schema.Struct({ bare: Schema.Array(Schema.Finite), ours: Schema.Array(Schema.Finite) })
const Beside = Schema.Struct({
  alone: Schema.Array(Schema.Finite),
  beside: Schema.Array(Schema.Finite),
  bulkAlone: Schema.Finite,
  bulkBeside: Schema.Finite,
})
const Figures = Schema.Struct({
  calls: Both,
  bulk: Both,
  beside: Beside,
  streams: Both,
  dials: Schema.Array(Schema.Finite),
})

const BesideGossip = Schema.Struct({
  alone: Schema.Array(Schema.Finite),
  beside: Schema.Array(Schema.Finite),
  bulkAlone: Schema.Array(Schema.Finite),
  bulkBeside: Schema.Array(Schema.Finite),
})

const BARE = "iroh binding alone"

export const peers: Benchmark = {
  name: "peers",
  about: "calls, bulk, bulk beside gossip, and 1,000 streams between two peers, and a dial by key",
  run: Effect.fnUntraced(function* (run) {
    const { beside, bulk, calls, dials, streams } = yield* Programs.run(
      Figures,
      Programs.ours("peers", run.seconds),
      "5 minutes",
    )
    const besideGossip = yield* Effect.gen(function* () {
      const far = yield* Programs.start(Schema.Unknown, Programs.ours("peersFar"))
      return yield* Programs.run(
        BesideGossip,
        Programs.ours("peersBeside", run.seconds, JSON.stringify(far)),
        "5 minutes",
      )
    }).pipe(Effect.scoped)
    const gossip = (q: number) =>
      result(
        `peers/gossip beside bulk, two processes, p${q * 100}`,
        "ms",
        "lower",
        [quantile(besideGossip.beside, q)],
        {
          alone: quantile(besideGossip.alone, q),
        },
      )
    const call = (q: number) =>
      result(`peers/unary call, p${q * 100}`, "ms", "lower", [quantile(calls.ours, q)], {
        [BARE]: quantile(calls.bare, q),
      })
    return [
      call(0.5),
      call(0.99),
      result("peers/bulk, one stream", "MB/s", "higher", bulk.ours, { [BARE]: median(bulk.bare) }),
      result("peers/call beside bulk, p99", "ms", "lower", [quantile(beside.beside, 0.99)], {
        alone: quantile(beside.alone, 0.99),
      }),
      result("peers/bulk beside calls", "MB/s", "higher", [beside.bulkBeside], { alone: beside.bulkAlone }),
      gossip(0.5),
      gossip(0.99),
      result("peers/bulk beside gossip, two processes", "MB/s", "higher", besideGossip.bulkBeside, {
        alone: median(besideGossip.bulkAlone),
      }),
      result("peers/1,000 streams opened and echoed", "ms", "lower", streams.ours, { [BARE]: median(streams.bare) }),
      result("peers/a stream by key without a connection", "ms", "lower", dials, {}),
    ]
  }),
}
