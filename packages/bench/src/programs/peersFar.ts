/**
 * The far end of a bulk transfer beside gossip between two processes; it runs until it is killed. It answers each message of gossip and reads the
 * streams of the protocol "bulk". Prints its id and addresses.
 */
import { Effect, Stream } from "effect"
import { makeNode } from "./gossip/gossipNode.ts"
import { peersOf } from "./peers/peersOf.ts"
import { main, print } from "./print.ts"

let serial = 0

await main(
  Effect.gen(function* () {
    const node = yield* makeNode()
    const peers = yield* peersOf(node)
    yield* peers.serve({ protocol: "bulk" }, ({ socket }) =>
      Effect.gen(function* () {
        const { pull } = yield* socket.reader
        for (;;) yield* pull
      }).pipe(Effect.scoped),
    )
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
    print({ id: node.id, addresses: node.addresses })
    return yield* Effect.never
  }).pipe(Effect.scoped),
)
