/**
 * Arguments: SECONDS FAR. A bulk transfer on a peer stream beside gossip with the same peer, FAR in another process: 50 messages of 100 B a second, each of
 * which it answers. Turn by turn gossip alone, the transfer alone, both. Prints:
 *
 * - `alone`, `beside`: ms of a message, half of there and back, without and beside the transfer.
 * - `bulkAlone`, `bulkBeside`: MB/s of the transfer.
 */
import { setTimeout } from "node:timers/promises"
import { EndpointId } from "@topic-tracker/crypto"
import { Effect, Schema, Stream } from "effect"
import { makeNode } from "./gossip/gossipNode.ts"
import { peersOf } from "./peers/peersOf.ts"
import { main, numberAt, print } from "./print.ts"

const ROUNDS = 5
const MESSAGE_BYTES = 100
const INTERVAL_MS = 20
const CHUNK_BYTES = 64_000

const seconds = numberAt(0)
const Far = Schema.Struct({ id: EndpointId.EndpointId, addresses: Schema.Array(Schema.String) })
const far = Schema.decodeUnknownSync(Schema.fromJsonString(Far))(process.argv[3])

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
    const gossip = async (samples: Array<number>): Promise<void> => {
      const end = performance.now() + seconds * 1_000
      const under: Array<Promise<void>> = []
      while (performance.now() < end) {
        under.push(ping(samples))
        await setTimeout(INTERVAL_MS)
      }
      await Promise.race([Promise.all(under), setTimeout(5_000)])
      answered = []
    }

    const socket = yield* peers.connect(far.id, { protocol: "bulk" })
    const writer = yield* socket.writer
    const chunk = new Uint8Array(CHUNK_BYTES).map((_, i) => i)
    const bulk = async (whileRuns: Promise<void>): Promise<number> => {
      let isRunning = true
      void whileRuns.then(() => {
        isRunning = false
      })
      const start = performance.now()
      let bytes = 0
      while (isRunning) {
        await Effect.runPromise(writer.write(chunk))
        bytes += CHUNK_BYTES
      }
      return bytes / (performance.now() - start) / 1e3
    }

    const figures = { alone: [], beside: [], bulkAlone: [], bulkBeside: [] } as Record<string, Array<number>>
    yield* Effect.promise(async () => {
      for (let round = -1; round < ROUNDS; round++) {
        const alone: Array<number> = []
        const beside: Array<number> = []
        await gossip(alone)
        const bulkAlone = await bulk(setTimeout(seconds * 1_000))
        await setTimeout(200)
        const bulkBeside = await bulk(gossip(beside))
        await setTimeout(200)
        // The first round warms the code up.
        if (round < 0) continue
        figures.alone!.push(...alone)
        figures.beside!.push(...beside)
        figures.bulkAlone!.push(bulkAlone)
        figures.bulkBeside!.push(bulkBeside)
      }
    })
    print(figures)
  }).pipe(Effect.scoped),
)
