/**
 * Arguments: ROUNDS FAR. A bulk transfer on a peer stream beside gossip with the same peer, FAR in another process: 100 messages of 100 B a second,
 * each of which it answers. Each round has all parts in turn, because other work of the machine changes within seconds. Prints an array of rounds:
 *
 * - `alone`, `beside`: ms of each message, half of there and back, without and beside the transfer.
 * - `bulkAlone`, `bulkBeside`: MB/s of the transfer without and beside gossip.
 * - `bare`, `ours`: MB/s of a transfer of some MB alone, with iroh's binding and on a peer stream.
 */
import { setTimeout } from "node:timers/promises"
import { Effect, Stream } from "effect"
import { dial } from "./gossip/bareIroh.ts"
import { farEndAt } from "./gossip/farEnd.ts"
import { makeNode } from "./gossip/gossipNode.ts"
import { openBareBulk, openBulk, pairOfRates } from "./peers/bulkWays.ts"
import { peersOf } from "./peers/peersOf.ts"
import { main, numberAt, print } from "./print.ts"

const WARM_UP_ROUNDS = 2
const MESSAGE_BYTES = 100
const INTERVAL_MS = 10
/** Gossip for so long, alone and beside the transfer. */
const GOSSIP_MS = 1_000
const BULK_MS = 400
/** A transfer runs for so long before it counts: its windows fill. */
const BEGIN_MS = 150
const PAUSE_MS = 100

const rounds = numberAt(0)
const far = farEndAt(1)
if (far === undefined) throw new Error("FAR is missing: the line that peersFar printed")

await main(
  Effect.gen(function* () {
    const node = yield* makeNode(far)
    const peers = yield* peersOf(node)
    const events = yield* node.topic.subscribe({ capacity: 4_096, whenSlow: "backpressure" })
    let answered: Array<() => void> = []
    yield* Effect.forkScoped(
      Stream.runForEach(events, ({ _tag }) =>
        Effect.sync(() => {
          if (_tag !== "Received") return
          answered.shift()?.()
        }),
      ),
    )
    const content = new Uint8Array(MESSAGE_BYTES)
    let serial = 0
    const ping = async (samples: Array<number>): Promise<void> => {
      // Gossip delivers equal content once.
      new DataView(content.buffer).setUint32(0, serial++)
      const start = performance.now()
      const answer = new Promise<void>((resolve) => answered.push(resolve))
      await Effect.runPromise(node.topic.broadcast(content.slice()))
      await answer
      samples.push((performance.now() - start) / 2)
    }
    /** Messages at their interval, whether or not the one before was answered. */
    const gossip = async (): Promise<ReadonlyArray<number>> => {
      const samples: Array<number> = []
      const end = performance.now() + GOSSIP_MS
      const under: Array<Promise<void>> = []
      while (performance.now() < end) {
        under.push(ping(samples))
        await setTimeout(INTERVAL_MS)
      }
      await Promise.race([Promise.all(under), setTimeout(5_000)])
      answered = []
      return samples
    }

    const endless = yield* openBulk(peers, far.id)
    yield* endless.drain
    /** A transfer beside the work, and its rate. */
    const beside = async <A>(work: () => Promise<A>): Promise<{ readonly result: A; readonly rate: number }> => {
      let isRunning = true
      const sending = (async () => {
        while (isRunning) await endless.send()
      })()
      await setTimeout(BEGIN_MS)
      const [before, start] = [endless.sent(), performance.now()]
      const result = await work()
      const rate = (endless.sent() - before) / (performance.now() - start) / 1e3
      isRunning = false
      await sending
      await setTimeout(PAUSE_MS)
      return { result, rate }
    }

    const { transfer: ours } = yield* openBulk(peers, far.id)
    yield* Effect.promise(async () => {
      const { connection } = await dial(far.bareId, far.bareAddress)
      const bare = await openBareBulk(connection)
      const one = async (number: number) => {
        const alone = await gossip()
        const bulkAlone = await beside(() => setTimeout(BULK_MS))
        const both = await beside(gossip)
        return {
          alone,
          beside: both.result,
          bulkAlone: bulkAlone.rate,
          bulkBeside: both.rate,
          ...(await pairOfRates({ bare, ours }, number)),
        }
      }
      const all = []
      for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) all.push(await one(round))
      print(all.slice(WARM_UP_ROUNDS))
    })
  }).pipe(Effect.scoped),
)
