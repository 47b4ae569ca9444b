/** Messages over our gossip between two nodes, with a fixed number in flight. */
import { Effect, Stream } from "effect"
import { makeNode, type NodeAddress } from "./gossipNode.ts"
import { InFlight } from "./InFlight.ts"
import type { Rate, Way } from "./sampling.ts"

export const IN_FLIGHT = 32

/** The bytes of a gossip frame besides its content: length, kind, message id, length of the content, hops and scope. */
export const FRAME_OVERHEAD_BYTES = 45

const SUBSCRIBER_CAPACITY = 4_096

/** `far`: the receiving node in another process; undefined: it is in this process. */
export const makeGossipWay = Effect.fnUntraced(function* (size: number, far: NodeAddress | undefined) {
  const receiver = far === undefined ? yield* makeNode() : undefined
  const sender = yield* makeNode(receiver ?? far)
  const inFlight = new InFlight()
  // In one process, each event of the receiver is an arrival. Between two, each answer holds a number of arrivals.
  const events = yield* (receiver ?? sender).topic.subscribe({
    capacity: SUBSCRIBER_CAPACITY,
    whenSlow: "backpressure",
  })
  yield* events.pipe(
    Stream.runForEachArray((batch) =>
      Effect.sync(() => {
        for (const event of batch) {
          if (event._tag !== "Received") continue
          const { content } = event
          inFlight.arrive(receiver === undefined ? new DataView(content.buffer, content.byteOffset).getUint32(0) : 1)
        }
        inFlight.notify()
      }),
    ),
    Effect.forkScoped,
  )
  const content = new Uint8Array(size)
  const view = new DataView(content.buffer)
  let serial = 0
  const broadcast = Effect.suspend(() => {
    // Gossip delivers equal content once.
    view.setUint32(0, serial++)
    inFlight.underWay++
    return sender.topic.broadcast(content)
  })
  const fillWindow = Effect.gen(function* () {
    while (inFlight.underWay < IN_FLIGHT) yield* broadcast
  })
  const rate: Rate = {
    count: () => inFlight.arrived,
    send: async () => {
      await Effect.runPromise(fillWindow)
      await inFlight.untilBelow(IN_FLIGHT)
    },
  }
  const way: Way = {
    ping: async () => {
      const arrival = Effect.runPromise(broadcast)
      await inFlight.untilBelow(1)
      await arrival
    },
    rates: [rate],
  }
  return { way, stats: sender.stats }
})
