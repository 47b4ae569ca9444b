/**
 * The time from the start of a process to the DHT client's first packet, and to the first neighbour: from installed modules, with
 * Node's cache of compiled code, and from one file.
 */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import { bundle, oneFile } from "../harness/oneFile.ts"
import * as Peers from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"

const Moments = Schema.Struct({
  imported: Schema.Finite,
  bound: Schema.Finite,
  firstPacket: Schema.Finite,
  joined: Schema.Finite,
})
const Hyperswarm = Schema.Struct({ start: Schema.Array(Schema.Finite), missed: Schema.Int })

export const startUp: Benchmark = {
  name: "start-up",
  about: "the time from the start of a process to its first packet and to its first neighbour",
  run: Effect.fnUntraced(function* (run) {
    const { rounds } = run
    const hyperswarm = yield* Peers.figuresOf(run, Peers.hyperswarm, Hyperswarm, ["start", rounds])
    if (hyperswarm !== undefined && hyperswarm.missed > 0) {
      yield* run.report(`hyperswarm's nodes did not meet in ${hyperswarm.missed} of ${rounds} starts`)
    }
    const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, 0))
    yield* bundle("startUp")
    yield* Programs.start(Schema.String, Programs.ours("startUp", port, "stay"))
    const ways = {
      modules: Programs.ours("startUp", port),
      cached: Programs.node("programs/startUp.js", [port], ["--import", Programs.compileCache]),
      oneFile: oneFile({ name: "startUp" }, port),
    }
    const moments: Record<keyof typeof ways, Array<typeof Moments.Type>> = { modules: [], cached: [], oneFile: [] }
    const effectOnly: Array<number> = []
    for (let i = 0; i <= rounds; i++) {
      effectOnly.push(yield* Programs.run(Schema.Finite, Programs.ours("importEffect")))
      for (const way of ["modules", "cached", "oneFile"] as const) {
        moments[way].push(yield* Programs.run(Moments, ways[way]))
      }
    }
    const of = (way: keyof typeof ways, moment: keyof typeof Moments.Type) =>
      moments[way].slice(1).map((all) => all[moment])
    const effect = { "Effect alone, imported": median(effectOnly.slice(1)) }
    const peers = { hyperswarm: hyperswarm?.start.length ? median(hyperswarm.start) : undefined }
    return [
      result("start-up/modules loaded", "ms", "lower", of("modules", "imported"), effect),
      result("start-up/sockets bound", "ms", "lower", of("modules", "bound"), effect),
      result("start-up/first packet", "ms", "lower", of("modules", "firstPacket"), effect),
      result("start-up/first packet, compile cache", "ms", "lower", of("cached", "firstPacket"), effect),
      result("start-up/first packet, one file", "ms", "lower", of("oneFile", "firstPacket"), effect),
      result("start-up/joined", "ms", "lower", of("modules", "joined"), peers),
      result("start-up/joined, compile cache", "ms", "lower", of("cached", "joined"), peers),
      result("start-up/joined, one file", "ms", "lower", of("oneFile", "joined"), peers),
    ]
  }, Effect.scoped),
}
