/** The cost of idle topics in one process: memory, sockets, fibers, processor time and packets. */
import { Effect, Schema } from "effect"
import { type Benchmark, type Result, result } from "../harness/Benchmark.ts"
import { bundle, oneFile } from "../harness/oneFile.ts"
import * as Peers from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"

const PeerCosts = Schema.Struct({
  rssMB: Schema.Finite,
  sockets: Schema.Finite,
  cpuSeconds: Schema.Finite,
  idleCpuSeconds: Schema.Finite,
  packetsPerTopicMinute: Schema.Finite,
})
const Costs = Schema.Struct({ ...PeerCosts.fields, fibers: Schema.Finite })

/** The start of a process and its topics is over after so many seconds. */
const SETTLED_SECONDS = 2

/** The Rust crate has a DHT client for each topic. With more topics its packets are lost on loopback. */
const MAX_PEER_TOPICS = 100

export const manyTopics: Benchmark = {
  name: "many-topics",
  about: "the cost of 1, 10, 100 and 500 topics without other nodes in one process",
  run: Effect.fnUntraced(function* (run) {
    const results: Array<Result> = []
    const costsOf = (wordsOf: (...args: ReadonlyArray<number>) => ReadonlyArray<string>, count: number) =>
      Effect.gen(function* () {
        const [port] = yield* Programs.start(Programs.Ports, Programs.ours("testnets", 1, 0))
        return yield* Programs.run(
          Costs,
          wordsOf(count, SETTLED_SECONDS, run.idleSeconds, port),
          `${run.idleSeconds + 60} seconds`,
        )
      }).pipe(Effect.scoped)
    yield* bundle("topics")
    for (const count of run.topics) {
      const costs = yield* costsOf((...args) => Programs.ours("topics", ...args), count)
      const deployed = yield* costsOf((...args) => oneFile({ name: "topics", smallHeap: true }, ...args), count)
      const peer =
        count > MAX_PEER_TOPICS || Peers.rust.path === undefined
          ? undefined
          : yield* Peers.figuresOf(run, Peers.rust, PeerCosts, [count, SETTLED_SECONDS, run.idleSeconds], (words) =>
              Programs.ours("rustTopics", ...words),
            )
      const figure = (what: string, unit: string, value: number, theirs: number | undefined) =>
        result(`many-topics/${count}, ${what}`, unit, "lower", [value], { [Peers.rust.name]: theirs })
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
        ...cpu(`in ${run.idleSeconds} s but the first ${SETTLED_SECONDS}`, "idleCpuSeconds"),
        figure("DHT packets per topic and minute", "", costs.packetsPerTopicMinute, peer?.packetsPerTopicMinute),
      )
    }
    return results
  }),
}
