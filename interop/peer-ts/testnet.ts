/** `testnet`: our DHT nodes. Each serves other nodes, like every node of a topic. */
import { Crypto } from "@topic-tracker/crypto"
import { Dht, type DhtAddress } from "@topic-tracker/dht"
import { Effect, Layer } from "effect"
import { type Args, bootstrapOf } from "./args.ts"
import { emit, untilQuit } from "./stdio.ts"

/**
 * `--nodes N` nodes on `--bind IP` (default 127.0.0.1), the first on `--port P` (default 6881). With `--bootstrap` they join
 * an existing DHT on free ports. `--equal-seq overwrite|keep-first` is their reaction to a put with the seq that they hold.
 */
export const testnet = (args: Args) =>
  Effect.gen(function* () {
    const host = args.optional("bind") ?? "127.0.0.1"
    const equalSeq = args.optional("equal-seq") === "keep-first" ? "keep-first" : "overwrite"
    const joined = bootstrapOf(args)
    const nodes: Array<DhtAddress> = []
    for (let number = 0; number < (args.number("nodes") ?? 20); number++) {
      const isFirst = joined.length === 0 && number === 0
      const context = yield* Layer.build(
        Dht.layer({
          bootstrap: isFirst ? [] : joined.length > 0 ? joined : nodes.slice(0, 1),
          host,
          port: isFirst ? (args.number("port") ?? 6881) : 0,
          equalSeq,
          // All queries come from the few hosts of a test.
          queriesPerHost: 100_000,
          queriesTotal: 100_000,
          replyBytesPerHost: 100_000_000,
          replyBytesTotal: 100_000_000,
        }).pipe(Layer.provide(Crypto.layer())),
      )
      yield* Effect.gen(function* () {
        const dht = yield* Dht
        if (!isFirst) yield* dht.bootstrapped
        nodes.push({ host, port: (yield* dht.address).port })
      }).pipe(Effect.provideContext(context))
    }
    yield* emit({ event: "testnet", addresses: nodes.map(({ port }) => `${host}:${port}`) })
    yield* untilQuit
  })
