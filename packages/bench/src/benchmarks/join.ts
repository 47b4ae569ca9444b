/** The time until a node has its first neighbour, on testnets of 20 nodes with a share of dead nodes in their tables. */
import { Effect, Schema } from "effect"
import { type Benchmark, BenchmarkFailed, type Result, type Run, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import * as Peers from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"

const Samples = Schema.Struct({ samples: Schema.Array(Schema.Finite), bare: Schema.Array(Schema.Finite) })
const Peer = Schema.Struct({ cold: Schema.Array(Schema.Finite), warm: Schema.Array(Schema.Finite) })
/** `missed`: joins without a sample, in which the nodes did not meet. */
const Hyperswarm = Schema.Struct({ ...Peer.fields, missed: Schema.Int })

type Kind = "cold" | "warm" | "restart" | "members"

/** Shares of dead nodes, in percent, besides a testnet without any. */
const DEAD_PERCENT = [25, 50]

/** On embedded testnets: one for each sample, and one to warm up. */
const embedded = Effect.fnUntraced(function* (kind: Kind, deadPercent: number, rounds: number) {
  const ports = yield* Programs.start(Programs.Ports, Programs.ours("testnets", rounds + 1, deadPercent))
  return yield* Programs.run(Samples, Programs.ours("join", kind, ...ports), "5 minutes")
}, Effect.scoped)

const freePort = (): number => 20_000 + Math.floor(Math.random() * 30_000)

/** On testnets of the DHT that the Rust crate uses. */
const mainline = Effect.fnUntraced(function* (kind: Kind, path: string, rounds: number) {
  const ports: Array<number> = []
  for (let i = 0; i <= rounds; i++) {
    const port = freePort()
    yield* Programs.start(Schema.Unknown, [path, "testnet", "--nodes", "20", "--port", String(port)])
    ports.push(port)
  }
  return yield* Programs.run(Samples, Programs.ours("join", kind, ...ports), "5 minutes")
}, Effect.scoped)

/** A join takes some ms and varies by as much, so more samples make a steadier median. */
const samplesOf = ({ rounds }: Run): number => 2 * rounds + 1

const BARE = "iroh binding alone, bind and connect"

/** Ours and hyperswarm are measured alternately in several rounds, since the speed of a machine changes over time. */
const ROUNDS = 3

/** Samples of the Rust crate: a join takes it from 7 to 13 s. */
const RUST_ROUNDS = 3

const rustJoins = Effect.fnUntraced(function* (run: Run, kind: "cold" | "warm") {
  if (Peers.rust.path === undefined) return []
  const rounds = Math.min(RUST_ROUNDS, run.rounds)
  const joins = yield* Peers.figuresOf(run, Peers.rust, Peer, [kind, rounds], ([peer = "", ...args]) => [
    ...Programs.ours("rustJoin", peer, ...args),
  ])
  return joins?.[kind] ?? []
})

const figure = (samples: ReadonlyArray<number>) => {
  const middle = median(samples)
  return Number.isFinite(middle) ? middle : undefined
}

/** On a testnet without dead nodes, with all peers. */
const healthy = Effect.fnUntraced(function* (run: Run, kind: "cold" | "warm") {
  const rust = yield* rustJoins(run, kind)
  const perRound = Math.ceil(samplesOf(run) / ROUNDS)
  const [samples, bare, met]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  let missed = 0
  if (Peers.hyperswarm.path === undefined) yield* run.report(Peers.hyperswarm.missing)
  for (let round = 0; round < ROUNDS; round++) {
    const ours = yield* embedded(kind, 0, perRound)
    samples.push(...ours.samples)
    bare.push(...ours.bare)
    if (Peers.hyperswarm.path === undefined) continue
    const theirs = yield* Peers.figuresOf(run, Peers.hyperswarm, Hyperswarm, [kind, perRound])
    met.push(...(theirs?.[kind] ?? []))
    missed += theirs?.missed ?? 0
  }
  if (missed > 0) yield* run.report(`hyperswarm's nodes did not meet in ${missed} of ${met.length + missed} joins`)
  // A user waits for a failed join too: it counts as longer than all others.
  const all = [...met, ...Array.from({ length: missed }, () => Number.POSITIVE_INFINITY)]
  return result(`join-${kind}/0 % dead`, "ms", "lower", samples, {
    [Peers.rust.name]: figure(rust),
    "hyperswarm, those that met": figure(met),
    "hyperswarm, all": figure(all),
    [BARE]: median(bare),
  })
})

const join = (kind: "cold" | "warm", about: string): Benchmark => ({
  name: `join-${kind}`,
  about,
  run: Effect.fnUntraced(function* (run) {
    const results: Array<Result> = [yield* healthy(run, kind)]
    for (const percent of DEAD_PERCENT) {
      const { samples, bare } = yield* embedded(kind, percent, samplesOf(run))
      results.push(result(`join-${kind}/${percent} % dead`, "ms", "lower", samples, { [BARE]: median(bare) }))
    }
    if (kind === "warm") {
      const { samples, bare } = yield* embedded("restart", 0, samplesOf(run))
      results.push(result("join-warm/restart", "ms", "lower", samples, { [BARE]: median(bare) }))
    }
    const { path, missing } = Peers.rust
    if (path === undefined) yield* run.report(`no mainline testnet: ${missing}`)
    else {
      const { samples, bare } = yield* mainline(kind, path, Math.min(5, run.rounds)).pipe(
        Effect.mapError(({ message }) => new BenchmarkFailed({ message: `mainline testnet: ${message}` })),
      )
      results.push(result(`join-${kind}/mainline testnet`, "ms", "lower", samples, { [BARE]: median(bare) }))
    }
    return results
  }),
})

/** Open and members-only topics in turns: the door takes two messages more before the first frame of gossip. */
export const joinMembers: Benchmark = {
  name: "join-members",
  about: "a third node of a members-only topic: the time until it has a neighbour, and that of an open topic",
  run: Effect.fnUntraced(function* (run) {
    const perRound = Math.ceil(samplesOf(run) / ROUNDS)
    const [open, members]: [Array<number>, Array<number>] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      open.push(...(yield* embedded("warm", 0, perRound)).samples)
      members.push(...(yield* embedded("members", 0, perRound)).samples)
    }
    return [result("join-members", "ms", "lower", members, { "open topic": median(open) })]
  }),
}

export const joinCold = join("cold", "two nodes that start together: the time until both have a neighbour")
export const joinWarm = join("warm", "a third node: the time until it has a neighbour")
