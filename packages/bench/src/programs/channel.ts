/**
 * Arguments: SECONDS PORT. Messages of 100 B to channelEcho in another process, by a plain topic, a channel with signatures and a channel with the shared
 * key only, alternately. Prints for each:
 *
 * - `rates`: messages a second, samples of SECONDS each, with 32 in flight, published at the same time as a busy program does.
 * - `latencies`: ms of one message while nothing else is under way: half of there and back.
 */
import { Effect, Stream } from "effect"
import { type Line, layer, makeLines } from "./gossip/channelWays.ts"
import { IN_FLIGHT } from "./gossip/gossipWay.ts"
import { InFlight } from "./gossip/InFlight.ts"
import { type Rate, sampleLatencies, sampleRates, type Way } from "./gossip/sampling.ts"
import { main, numberAt, print } from "./print.ts"

const [seconds, port] = [numberAt(0), numberAt(1)]

const makeWay = Effect.fnUntraced(function* ({ answers, send }: Line) {
  const inFlight = new InFlight()
  yield* Stream.runForEachArray(answers, (counts) =>
    Effect.sync(() => {
      for (const count of counts) inFlight.arrive(count)
      inFlight.notify()
    }),
  ).pipe(Effect.forkScoped)
  const many = Array.from({ length: IN_FLIGHT }, () => send)
  const rate: Rate = {
    count: () => inFlight.arrived,
    send: async () => {
      const count = IN_FLIGHT - inFlight.underWay
      inFlight.underWay += count
      await Effect.runPromise(Effect.all(many.slice(0, count), { concurrency: "unbounded", discard: true }))
      await inFlight.untilBelow(IN_FLIGHT)
    },
  }
  const way: Way = {
    ping: async () => {
      inFlight.underWay++
      const sent = Effect.runPromise(send)
      await inFlight.untilBelow(1)
      await sent
    },
    rates: [rate],
  }
  return way
})

await main(
  Effect.gen(function* () {
    const lines = yield* makeLines(port)
    const ways = yield* Effect.forEach(lines, makeWay)
    // The first message of each may take a detour.
    yield* Effect.promise(async () => {
      for (const { ping } of ways) await ping()
    })
    const latencies = yield* Effect.promise(() => sampleLatencies(ways, 1 / 2))
    const rates = yield* Effect.promise(() =>
      sampleRates(
        ways.flatMap(({ rates }) => rates),
        seconds,
      ),
    )
    print(lines.map(({ name }, i) => ({ name, rates: rates[i], latencies: latencies[i] })))
  }).pipe(Effect.scoped, Effect.provide(layer(port))),
)
