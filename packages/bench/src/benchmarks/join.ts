/** How long until a node has its first neighbour, on testnets of 20 nodes with a share of dead ones in their tables. */
import { Effect, Schema } from "effect"
import { type Benchmark, BenchmarkFailed, type Result, type Run, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import { figuresOf } from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"
import * as Reference from "../harness/reference.ts"

const Ports = Schema.Array(Schema.Int)
const Samples = Schema.Struct({ samples: Schema.Array(Schema.Finite), bare: Schema.Array(Schema.Finite) })
const Peer = Schema.Struct({ cold: Schema.Array(Schema.Finite), warm: Schema.Array(Schema.Finite) })
/** `missed`: how often nodes did not meet, and there is no sample. */
const Hyperswarm = Schema.Struct({ ...Peer.fields, missed: Schema.Int })

type Kind = "cold" | "warm" | "restart"

/** Shares of dead nodes, in percent, beside a healthy testnet. */
const dead = [25, 50]

/** One testnet for each sample, and one to warm up. */
const embedded = Effect.fnUntraced(function* (kind: Kind, deadPercent: number, rounds: number) {
  const ports = yield* Programs.start(Ports, Programs.ours("testnets", rounds + 1, deadPercent))
  return yield* Programs.run(Samples, Programs.ours("join", kind, ...ports), "5 minutes")
}, Effect.scoped)

const freePort = (): number => 20_000 + Math.floor(Math.random() * 30_000)

/** The same on testnets of the reference's DHT. */
const mainline = Effect.fnUntraced(function* (kind: Kind, path: string, rounds: number) {
  const ports: Array<number> = []
  for (let i = 0; i <= rounds; i++) {
    const port = freePort()
    yield* Programs.start(Schema.Unknown, [path, "testnet", "--nodes", "20", "--port", String(port)])
    ports.push(port)
  }
  return yield* Programs.run(Samples, Programs.ours("join", kind, ...ports), "5 minutes")
}, Effect.scoped)

/** A join takes milliseconds, and varies by as many: more of them make a steadier median. */
const samplesOf = ({ rounds }: Run): number => 2 * rounds + 1

const bareName = "iroh binding alone, bind and connect"

/** Ours and hyperswarm take so many turns: a machine's pace changes between two that are measured one after the other. */
const turns = 3

/** How often the reference is measured: it takes from 7 to 13 s. */
const rustRounds = 3

const rustJoins = Effect.fnUntraced(function* (run: Run, kind: "cold" | "warm") {
  if (Reference.rust.path === undefined) return []
  const rounds = Math.min(rustRounds, run.rounds)
  const joins = yield* figuresOf(run, Reference.rust, Peer, [kind, rounds], ([peer = "", ...args]) => [
    ...Programs.ours("rustJoin", peer, ...args),
  ])
  return joins?.[kind] ?? []
})

const figure = (samples: ReadonlyArray<number>) => {
  const middle = median(samples)
  return Number.isFinite(middle) ? middle : undefined
}

/** On a healthy testnet, beside others. */
const healthy = Effect.fnUntraced(function* (run: Run, kind: "cold" | "warm") {
  const rust = yield* rustJoins(run, kind)
  const perTurn = Math.ceil(samplesOf(run) / turns)
  const [samples, bare, met]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  let missed = 0
  if (Reference.hyperswarm.path === undefined) yield* run.say(Reference.hyperswarm.missing)
  for (let turn = 0; turn < turns; turn++) {
    const ours = yield* embedded(kind, 0, perTurn)
    samples.push(...ours.samples)
    bare.push(...ours.bare)
    if (Reference.hyperswarm.path === undefined) continue
    const theirs = yield* figuresOf(run, Reference.hyperswarm, Hyperswarm, [kind, perTurn])
    met.push(...(theirs?.[kind] ?? []))
    missed += theirs?.missed ?? 0
  }
  if (missed > 0) yield* run.say(`hyperswarm's nodes did not meet in ${missed} of ${met.length + missed} joins`)
  // Whoever waits for a join waits for one that fails too: it took longer than all others.
  const all = [...met, ...Array.from({ length: missed }, () => Number.POSITIVE_INFINITY)]
  return result(`join-${kind}/0 % dead`, "ms", "lower", samples, {
    [Reference.rust.name]: figure(rust),
    "hyperswarm, those that met": figure(met),
    "hyperswarm, all": figure(all),
    [bareName]: median(bare),
  })
})

const join = (kind: "cold" | "warm", about: string): Benchmark => ({
  name: `join-${kind}`,
  about,
  run: Effect.fnUntraced(function* (run) {
    const results: Array<Result> = [yield* healthy(run, kind)]
    for (const percent of dead) {
      const { samples, bare } = yield* embedded(kind, percent, samplesOf(run))
      results.push(result(`join-${kind}/${percent} % dead`, "ms", "lower", samples, { [bareName]: median(bare) }))
    }
    if (kind === "warm") {
      const { samples, bare } = yield* embedded("restart", 0, samplesOf(run))
      results.push(result("join-warm/restart", "ms", "lower", samples, { [bareName]: median(bare) }))
    }
    const { path, missing } = Reference.rust
    if (path === undefined) yield* run.say(`no mainline testnet: ${missing}`)
    else {
      const { samples, bare } = yield* mainline(kind, path, Math.min(5, run.rounds)).pipe(
        Effect.mapError(({ message }) => new BenchmarkFailed({ message: `mainline testnet: ${message}` })),
      )
      results.push(result(`join-${kind}/mainline testnet`, "ms", "lower", samples, { [bareName]: median(bare) }))
    }
    return results
  }),
})

export const joinCold = join("cold", "two nodes that start together: until both have a neighbour")
export const joinWarm = join("warm", "a third node: until it has a neighbour")
