/** From the start of the process to the first packet of the DHT client, from modules as they are installed and from one file. */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import { bundle, oneFile } from "../harness/oneFile.ts"
import * as Programs from "../harness/programs.ts"

const Ports = Schema.NonEmptyArray(Schema.Int)
const Moments = Schema.Struct({ imported: Schema.Finite, bound: Schema.Finite, firstPacket: Schema.Finite })

export const startUp: Benchmark = {
  name: "start-up",
  about: "from the start of the process to the first packet",
  run: Effect.fnUntraced(function* ({ rounds }) {
    const [port] = yield* Programs.start(Ports, Programs.ours("testnets", 1, 0))
    const moments: Array<typeof Moments.Type> = []
    const ofOneFile: Array<typeof Moments.Type> = []
    const effectOnly: Array<number> = []
    yield* bundle("startUp")
    for (let i = 0; i <= rounds; i++) {
      effectOnly.push(yield* Programs.run(Schema.Finite, Programs.ours("importEffect")))
      moments.push(yield* Programs.run(Moments, Programs.ours("startUp", port)))
      ofOneFile.push(yield* Programs.run(Moments, oneFile({ name: "startUp" }, port)))
    }
    const of = (field: keyof typeof Moments.Type, all = moments) => all.slice(1).map((moment) => moment[field])
    const peers = { "Effect alone, imported": median(effectOnly.slice(1)) }
    return [
      result("start-up/modules loaded", "ms", "lower", of("imported"), peers),
      result("start-up/sockets bound", "ms", "lower", of("bound"), peers),
      result("start-up/first packet", "ms", "lower", of("firstPacket"), peers),
      result("start-up/first packet, one file", "ms", "lower", of("firstPacket", ofOneFile), peers),
    ]
  }, Effect.scoped),
}
