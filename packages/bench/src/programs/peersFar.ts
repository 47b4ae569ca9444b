/**
 * The far end of a bulk transfer beside gossip between two processes; it runs until it is killed. It answers each message of gossip and reads bulk, on
 * peer streams and on streams of iroh's binding alone. Prints its ids and addresses.
 */
import { Effect, Stream } from "effect"
import { listen } from "./gossip/bareIroh.ts"
import { printFarEnd } from "./gossip/farEnd.ts"
import { makeNode } from "./gossip/gossipNode.ts"
import { bareSink, serveBulk } from "./peers/bulkWays.ts"
import { peersOf } from "./peers/peersOf.ts"
import { main } from "./print.ts"

let serial = 0

await main(
  Effect.gen(function* () {
    const node = yield* makeNode()
    const peers = yield* peersOf(node)
    yield* serveBulk(peers)
    const events = yield* node.topic.subscribe({ capacity: 4_096, whenSlow: "backpressure" })
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) => {
        if (event._tag !== "Received") return Effect.void
        // Gossip delivers equal content once, so each answer has a serial number.
        const answer = new Uint8Array(8)
        new DataView(answer.buffer).setUint32(0, serial++)
        return node.topic.broadcast(answer)
      }),
    )
    const bare = yield* Effect.promise(listen)
    printFarEnd(node, bare)
    const connection = yield* Effect.promise(bare.accept)
    connection.setMaxConcurrentBiStreams(1n)
    yield* Effect.promise(async () => bareSink(await connection.acceptBi()))
    return yield* Effect.never
  }).pipe(Effect.scoped),
)
