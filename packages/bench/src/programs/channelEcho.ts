/** Argument: PORT. The far end of the channel benchmark, on the DHT testnet at the port; it runs until it is killed. */
import { Effect, Stream } from "effect"
import { layer, makeLines } from "./gossip/channelWays.ts"
import { main, numberAt, print } from "./print.ts"

const port = numberAt(0)

await main(
  Effect.gen(function* () {
    const lines = yield* makeLines(port)
    for (const { answer, messages } of lines) {
      yield* Effect.forkScoped(
        Stream.runForEachArray(messages, (counts) => {
          let sum = 0
          for (const count of counts) sum += count
          return sum === 0 ? Effect.void : answer(sum)
        }),
      )
    }
    print(port)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(layer(port))),
)
