/** An endpoint whose key is known is found through the DHT. Each language finds addresses that the other published. */
import { Effect, Schedule } from "effect"
import { allMeet } from "../lib/delivery.ts"
import * as dhts from "../lib/dhts.ts"
import { InteropError } from "../lib/InteropError.ts"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import { gossip, type Language, program } from "../lib/peers.ts"

/** The addresses that the language's lookup finds for the peer. It is repeated, because publishing takes a moment. */
const resolve = (language: Language, host: Lab.Host, bootstrap: string, peer: string) =>
  Effect.gen(function* () {
    const lookup = yield* program(language, host, `resolve (${language})`, "resolve", { bootstrap, peer })
    const { count } = yield* lookup.first("done")
    if (count === 0) return yield* new InteropError({ message: `no addresses of ${peer}` })
    return yield* lookup.first("addresses")
  }).pipe(Effect.scoped, Effect.retry(Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(5)])))

suite("addresses from keys", (it) => {
  for (const [published, dialling] of [
    ["Rust", "TS"],
    ["TS", "Rust"],
  ] as const) {
    for (const [name, make] of [
      ["mainline 7", dhts.mainline],
      ["libtorrent", dhts.libtorrent],
    ] as const) {
      it.effect(`${dialling} dials ${published} by its key alone, through ${name} nodes`, () =>
        Effect.gen(function* () {
          const host = yield* Lab.loopback
          const { bootstrap } = yield* make(host)
          const topic = "by key"
          const one = yield* gossip(published, host, `one (${published})`, { topic, bootstrap })
          const found = yield* resolve(dialling, host, bootstrap, one.endpointId)
          assert.deepStrictEqual(found.addresses, [...one.addresses].sort())
          assert.deepStrictEqual(found.relays, [])
          const two = yield* gossip(dialling, host, `two (${dialling})`, { topic, bootstrap, join: [one.endpointId] })
          yield* allMeet([one, two])
        }),
      )
    }
  }
})
