/**
 * The far end of the gossip benchmark between two processes; it runs until it is killed. The gossip node answers all messages that
 * arrive together with one message that holds their number. The bare endpoint reads one stream, echoes a second one, and
 * answers the frames of a third one. Prints the addresses of both.
 */
import { Effect, Stream } from "effect"
import { answerFrames, drain, listen, READ_BYTES } from "./gossip/bareIroh.ts"
import { printFarEnd } from "./gossip/farEnd.ts"
import { makeNode } from "./gossip/gossipNode.ts"
import { main } from "./print.ts"

const echo = Effect.gen(function* () {
  const node = yield* makeNode()
  const events = yield* node.topic.subscribe({ capacity: 4_096, whenSlow: "backpressure" })
  yield* events.pipe(
    Stream.runForEachArray((batch) => {
      const count = batch.filter(({ _tag }) => _tag === "Received").length
      return count === 0 ? Effect.void : node.topic.broadcast(answer(count))
    }),
    Effect.forkScoped,
  )
  const bare = yield* Effect.promise(listen)
  printFarEnd(node, bare)
  while (true) {
    const connection = yield* Effect.promise(bare.accept)
    yield* Effect.promise(async () => {
      const { send, recv } = await connection.acceptBi()
      const uni = await connection.acceptUni()
      const echoing = (async () => {
        for (;;) {
          const bytes = await recv.read(READ_BYTES)
          if (bytes.length === 0) return
          await send.writeAll(bytes)
        }
      })()
      await Promise.all([drain(uni, () => {}), echoing, connection.acceptBi().then(answerFrames)])
    }).pipe(Effect.ignoreCause, Effect.forkScoped)
  }
}).pipe(Effect.scoped)

let serial = 0

/** Gossip delivers equal content once, so each answer has a serial number. */
function answer(count: number): Uint8Array {
  const content = new Uint8Array(8)
  const view = new DataView(content.buffer)
  view.setUint32(0, count)
  view.setUint32(4, serial++)
  return content
}

await main(echo)
