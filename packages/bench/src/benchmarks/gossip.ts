/** Messages between two nodes in a topic, compared with iroh's binding alone and with other libraries. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import { median, quantile } from "../harness/figures.ts"
import * as Peers from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"

const Samples = Schema.Struct({ rates: Schema.Array(Schema.Finite), latencies: Schema.Array(Schema.Finite) })
const Bare = Schema.Struct({ ...Samples.fields, windowed: Schema.Array(Schema.Finite) })
const Sizes = Schema.Array(Schema.Struct({ size: Schema.Int, bare: Bare, ours: Samples }))
const PeerSizes = Schema.Array(Schema.Struct({ size: Schema.Int, ...Samples.fields }))

type Figures = typeof Sizes.Type
type PeerFigures = typeof PeerSizes.Type | undefined

const bareRate = "iroh binding alone, 64 KB writes"
const bareWindowed = "iroh binding alone, the same frames, 32 in flight"
const bareLatency = "iroh binding alone"

const resultsOf = (where: string, figures: Figures, peers: Readonly<Record<string, PeerFigures>>) =>
  figures.flatMap(({ size, bare, ours }): ReadonlyArray<Result> => {
    const ofPeers = (of: (samples: typeof Samples.Type) => number) =>
      Object.fromEntries(
        Object.entries(peers).flatMap(([name, sizes]) => {
          const same = sizes?.find((one) => one.size === size)
          return same === undefined ? [] : [[name, of(same)]]
        }),
      )
    const name = `gossip/${where}, ${size} B`
    const latency = (q: number) => {
      const at = (samples: { readonly latencies: ReadonlyArray<number> }) => quantile(samples.latencies, q)
      return result(`${name}, latency p${q * 100}`, "ms", "lower", [at(ours)], {
        [bareLatency]: at(bare),
        ...ofPeers(at),
      })
    }
    const rates = {
      [bareRate]: median(bare.rates),
      [bareWindowed]: median(bare.windowed),
      ...ofPeers((samples) => median(samples.rates)),
    }
    return [result(`${name}, 32 in flight`, "msg/s", "higher", ours.rates, rates), latency(0.5), latency(0.99)]
  })

export const gossip: Benchmark = {
  name: "gossip",
  about: "messages a second with 32 in flight, and latency without load; in one process and between two",
  run: Effect.fnUntraced(function* (run) {
    const rust = yield* Peers.figuresOf(run, Peers.rust, PeerSizes, ["bench-gossip"])
    const gossipsub = yield* Peers.figuresOf(run, Peers.gossipsub, PeerSizes, [run.seconds])
    const one = yield* Programs.run(Sizes, Programs.ours("gossip", run.seconds), "5 minutes")
    const two = yield* Effect.gen(function* () {
      const echo = yield* Programs.start(Schema.Unknown, Programs.ours("gossipEcho"))
      return yield* Programs.run(Sizes, Programs.ours("gossip", run.seconds, JSON.stringify(echo)), "5 minutes")
    }).pipe(Effect.scoped)
    const peers = { [Peers.rust.name]: rust, [Peers.gossipsub.name]: gossipsub }
    return [...resultsOf("one process", one, peers), ...resultsOf("two processes", two, {})]
  }),
}
