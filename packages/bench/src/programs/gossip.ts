/**
 * Arguments: SECONDS [ECHO]. Measures gossip between two nodes on loopback and, alternately, iroh's binding alone between two
 * endpoints. ECHO is the line that gossipEcho printed in another process; without it both ends are in this process. Prints for each
 * message size, for ours and for the binding (`bare`):
 *
 * - `rates`: messages a second, samples of SECONDS each. Ours with 32 in flight; the binding with writes of 64 KB, and (`windowed`)
 *   with frames as long as gossip's, 32 in flight.
 * - `latencies`: ms of one message while nothing else is under way; between two processes half of there and back.
 * - `perWrite`: how many of our messages one write to the stream carried.
 */
import { Effect } from "effect"
import { makeBareWay } from "./gossip/bareWay.ts"
import { farEndAt } from "./gossip/farEnd.ts"
import { makeGossipWay } from "./gossip/gossipWay.ts"
import { sampleLatencies, sampleRates } from "./gossip/sampling.ts"
import { main, numberAt, print } from "./print.ts"

const SIZES = [100, 1024, 4000]

const seconds = numberAt(0)

const far = farEndAt(1)

const measure = Effect.fnUntraced(function* (size: number) {
  const bare = yield* Effect.acquireRelease(
    Effect.promise(() => makeBareWay(size, far)),
    ({ close }) => Effect.promise(close),
  )
  const { stats, way } = yield* makeGossipWay(size, far)
  const share = far === undefined ? 1 : 1 / 2
  const [bareLatencies, latencies] = yield* Effect.promise(() => sampleLatencies([bare, way], share))
  const before = yield* stats
  const [batches, windowed, rates] = yield* Effect.promise(() => sampleRates([...bare.rates, ...way.rates], seconds))
  const after = yield* stats
  const perWrite = (after.messagesOut - before.messagesOut) / (after.writes - before.writes)
  return {
    size,
    bare: { rates: batches, latencies: bareLatencies, windowed },
    ours: { rates, latencies, perWrite },
  }
}, Effect.scoped)

await main(Effect.map(Effect.forEach(SIZES, measure), print))
