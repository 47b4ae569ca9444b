/**
 * Arguments: PORT [stay]. Measures a start, in ms from the start of the process, so that the time to load the program counts. Prints
 * when the modules were loaded, when the sockets were bound, when the first packet was sent, and when there was a neighbour. The
 * neighbour is this program with `stay`: it prints a line when it is in the topic, and runs until it is killed.
 */
import { TopicTracker } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Effect } from "effect"
import { main, numberAt, print } from "./print.ts"

const imported = performance.now()

const stays = process.argv[3] === "stay"

const program = Effect.gen(function* () {
  const tracker = yield* TopicTracker
  const dht = yield* Dht
  const bound = performance.now()
  const topic = yield* tracker.joinNoWait({ topic: "start", secret: "secret" })
  while ((yield* dht.stats).packetsSent === 0) yield* Effect.promise(() => new Promise(setImmediate))
  const firstPacket = performance.now()
  if (stays) {
    print("in the topic")
    return yield* Effect.never
  }
  yield* topic.joined
  print({ imported, bound, firstPacket, joined: performance.now() })
})

await main(
  program.pipe(
    Effect.scoped,
    Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap: [{ host: "127.0.0.1", port: numberAt(0) }] } } })),
  ),
)
