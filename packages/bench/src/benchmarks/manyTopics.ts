/** What idle topics cost a process: memory, sockets, fibers, processor time and packets. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import { bundle, oneFile } from "../harness/oneFile.ts"
import { figuresOf } from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"
import * as Reference from "../harness/reference.ts"

const Ports = Schema.NonEmptyArray(Schema.Int)

const PeerCosts = Schema.Struct({
  rssMB: Schema.Finite,
  sockets: Schema.Finite,
  cpuSeconds: Schema.Finite,
  idleCpuSeconds: Schema.Finite,
  packetsPerTopicMinute: Schema.Finite,
})
const Costs = Schema.Struct({ ...PeerCosts.fields, fibers: Schema.Finite })

/** When the start of a process and its topics is over, in seconds. */
const settled = 2

/** The reference has a client for each topic; with more its packets are lost on one machine's loopback. */
const peerTopicsMax = 100

export const manyTopics: Benchmark = {
  name: "many-topics",
  about: "what 1, 10, 100 and 500 topics that are alone cost one process",
  run: Effect.fnUntraced(function* (run) {
    const results: Array<Result> = []
    const costsOf = (wordsOf: (...args: ReadonlyArray<number>) => ReadonlyArray<string>, count: number) =>
      Effect.gen(function* () {
        const [port] = yield* Programs.start(Ports, Programs.ours("testnets", 1, 0))
        return yield* Programs.run(
          Costs,
          wordsOf(count, settled, run.idleSeconds, port),
          `${run.idleSeconds + 60} seconds`,
        )
      }).pipe(Effect.scoped)
    yield* bundle("topics")
    for (const count of run.topics) {
      const costs = yield* costsOf((...args) => Programs.ours("topics", ...args), count)
      const deployed = yield* costsOf((...args) => oneFile({ name: "topics", smallHeap: true }, ...args), count)
      const peer =
        count > peerTopicsMax || Reference.rust.path === undefined
          ? undefined
          : yield* figuresOf(run, Reference.rust, PeerCosts, [count, settled, run.idleSeconds], (words) =>
              Programs.ours("rustTopics", ...words),
            )
      const figure = (what: string, unit: string, value: number, theirs: number | undefined) =>
        result(`many-topics/${count}, ${what}`, unit, "lower", [value], { [Reference.rust.name]: theirs })
      const cpu = (when: string, what: "cpuSeconds" | "idleCpuSeconds") => {
        const theirs = peer === undefined ? undefined : peer[what] / count
        const name = `processor time per topic ${when}`
        return [
          figure(name, "s", costs[what] / count, theirs),
          figure(`${name}, one file and small heap`, "s", deployed[what] / count, theirs),
        ]
      }
      results.push(
        figure("memory", "MB", costs.rssMB, peer?.rssMB),
        figure("memory, one file and small heap", "MB", deployed.rssMB, peer?.rssMB),
        figure("sockets", "", costs.sockets, peer?.sockets),
        figure("fibers", "", costs.fibers, undefined),
        ...cpu(`in ${run.idleSeconds} s`, "cpuSeconds"),
        ...cpu(`in ${run.idleSeconds} s but the first ${settled}`, "idleCpuSeconds"),
        figure("DHT packets per topic and minute", "", costs.packetsPerTopicMinute, peer?.packetsPerTopicMinute),
      )
    }
    return results
  }),
}
