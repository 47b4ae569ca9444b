/**
 * Streams and calls between two peers, compared with iroh's binding alone in the same run. Ratios of rates are medians over pairs of turns that
 * follow each other, and latencies beside a transfer are pooled over all turns: other work of the machine affects both sides of a ratio.
 */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result, withGoal } from "../harness/Benchmark.ts"
import { median, quantile } from "../harness/figures.ts"
import * as Programs from "../harness/programs.ts"

const Both = Schema.Struct({ bare: Schema.Array(Schema.Finite), ours: Schema.Array(Schema.Finite) })
const Beside = Schema.Struct({
  alone: Schema.Array(Schema.Finite),
  beside: Schema.Array(Schema.Finite),
  bulkAlone: Schema.Finite,
  bulkBeside: Schema.Finite,
})
/** The rates of two transfers that followed each other. */
const Pair = Schema.Struct({ bare: Schema.Finite, ours: Schema.Finite })
type Pair = typeof Pair.Type

const Figures = Schema.Struct({
  calls: Both,
  bulk: Schema.Array(Pair),
  beside: Beside,
  streams: Both,
  dials: Schema.Array(Schema.Finite),
})

const Round = Schema.Struct({ ...Beside.fields, ...Pair.fields })
type Round = typeof Round.Type

const BARE = "iroh binding alone"

/** The parts of a run in which a pooled ratio is taken once more, to show how far it scatters. */
const PARTS = 5

/** The p99 beside the transfer in p99s alone: of all rounds, and the least and largest of {@link PARTS} parts of them. */
const slower = (rounds: ReadonlyArray<Round>): Result => {
  const of = (some: ReadonlyArray<Round>) =>
    quantile(
      some.flatMap(({ beside }) => beside),
      0.99,
    ) /
    quantile(
      some.flatMap(({ alone }) => alone),
      0.99,
    )
  const size = Math.ceil(rounds.length / PARTS)
  const parts = Array.from({ length: Math.ceil(rounds.length / size) }, (_, i) =>
    rounds.slice(i * size, (i + 1) * size),
  )
  const all = result("peers/gossip beside bulk, p99 in p99s alone", "", "lower", parts.map(of))
  return { ...all, value: of(rounds) }
}

export const peers: Benchmark = {
  name: "peers",
  about: "calls, bulk, bulk beside gossip, and 1,000 streams between two peers, and a dial by key",
  run: Effect.fnUntraced(function* (run) {
    const { beside, bulk, calls, dials, streams } = yield* Programs.run(
      Figures,
      Programs.ours("peers", run.seconds, run.pairs),
      "5 minutes",
    )
    const rounds = yield* Effect.gen(function* () {
      const far = yield* Programs.start(Schema.Unknown, Programs.ours("peersFar"))
      return yield* Programs.run(
        Schema.Array(Round),
        Programs.ours("peersBeside", run.pairs, JSON.stringify(far)),
        "10 minutes",
      )
    }).pipe(Effect.scoped)
    const [alone, besideBulk] = [rounds.flatMap(({ alone }) => alone), rounds.flatMap(({ beside }) => beside)]
    const gossip = (q: number) =>
      result(
        `peers/gossip beside bulk, two processes, p${q * 100}, ${besideBulk.length.toLocaleString("en-US")} messages`,
        "ms",
        "lower",
        [quantile(besideBulk, q)],
        { alone: quantile(alone, q) },
      )
    const call = (q: number) =>
      result(`peers/unary call, p${q * 100}`, "ms", "lower", [quantile(calls.ours, q)], {
        [BARE]: quantile(calls.bare, q),
      })
    const rates = (name: string, of: ReadonlyArray<Pair>) => {
      const [bare, ours] = [of.map(({ bare }) => bare), of.map(({ ours }) => ours)]
      return result(`peers/${name}`, "MB/s", "higher", ours, { [BARE]: median(bare) })
    }
    const share = (name: string, of: ReadonlyArray<Pair>, goal: number) =>
      withGoal(
        result(
          `peers/${name}`,
          "",
          "higher",
          of.map(({ bare, ours }) => ours / bare),
        ),
        goal,
      )
    return [
      call(0.5),
      withGoal(
        result("peers/unary call, p50 in the binding's", "", "lower", [median(calls.ours) / median(calls.bare)]),
        3,
      ),
      call(0.99),
      rates("bulk, one stream", bulk),
      share("bulk, part of the binding's rate", bulk, 0.9),
      rates("bulk, one stream, two processes", rounds),
      share("bulk, two processes, part of the binding's rate", rounds, 0.9),
      result("peers/call beside bulk, p99", "ms", "lower", [quantile(beside.beside, 0.99)], {
        alone: quantile(beside.alone, 0.99),
      }),
      result("peers/bulk beside calls", "MB/s", "higher", [beside.bulkBeside], { alone: beside.bulkAlone }),
      gossip(0.5),
      gossip(0.99),
      withGoal(slower(rounds), 2),
      share(
        "bulk beside gossip, part of its rate alone",
        rounds.map(({ bulkAlone, bulkBeside }) => ({ ours: bulkBeside, bare: bulkAlone })),
        0.5,
      ),
      result("peers/1,000 streams opened and echoed", "ms", "lower", streams.ours, { [BARE]: median(streams.bare) }),
      withGoal(result("peers/a stream by key without a connection", "ms", "lower", dials), 10),
    ]
  }),
}
