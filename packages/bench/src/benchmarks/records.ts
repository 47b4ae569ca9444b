/** Records a second on one core: sign, seal, open with verification, and a minute's keys. */
import { Effect, Schema } from "effect"
import { type Benchmark, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import { figuresOf } from "../harness/peers.ts"
import * as Programs from "../harness/programs.ts"
import * as Reference from "../harness/reference.ts"

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
  about: "records signed, sealed, opened and verified, and keys derived, in a second on one core",
  run: Effect.fnUntraced(function* (run) {
    const rust = yield* figuresOf(run, Reference.rust, Rates, ["bench-records"])
    const ours = yield* Programs.run(Ours, Programs.ours("records", run.seconds / 2), "5 minutes")
    return (["native", "portable"] as const).flatMap((layer) =>
      operations.map((operation) =>
        result(`records/${layer} ${operation}`, "1/s", "higher", ours[layer][operation], {
          [Reference.rust.name]: rust === undefined ? undefined : median(rust[operation]),
          "node:crypto, X25519 agreements": median(ours.x25519.agreement),
        }),
      ),
    )
  }),
}
