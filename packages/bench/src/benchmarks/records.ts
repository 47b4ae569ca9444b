/** Operations on records a second on one core: sign, seal, open with verification, and derive a minute's keys. */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import * as Peers from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"

const operations = ["sign", "seal", "open+verify", "derive"] as const

const Rates = Schema.Struct({
  sign: Schema.Array(Schema.Finite),
  seal: Schema.Array(Schema.Finite),
  "open+verify": Schema.Array(Schema.Finite),
  derive: Schema.Array(Schema.Finite),
})
const Ours = Schema.Struct({
  native: Rates,
  portable: Rates,
  x25519: Schema.Struct({ agreement: Schema.Array(Schema.Finite) }),
})

export const records: Benchmark = {
  name: "records",
  about: "operations on records a second on one core: sign, seal, open and verify, derive keys",
  run: Effect.fnUntraced(function* (run) {
    const rust = yield* Peers.figuresOf(run, Peers.rust, Rates, ["bench-records"])
    const ours = yield* Programs.run(Ours, Programs.ours("records", run.seconds / 2), "5 minutes")
    return (["native", "portable"] as const).flatMap((layer) =>
      operations.map((operation) =>
        result(`records/${layer} ${operation}`, "1/s", "higher", ours[layer][operation], {
          [Peers.rust.name]: rust === undefined ? undefined : median(rust[operation]),
          "node:crypto, X25519 agreements": median(ours.x25519.agreement),
        }),
      ),
    )
  }),
}
