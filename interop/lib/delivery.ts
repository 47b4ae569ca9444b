/** The assertion at the end of every test: each node receives the messages of all other nodes, exactly once. */
import { Clock, type Duration, Effect, Schedule } from "effect"
import { InteropError } from "./InteropError.ts"
import type { Node } from "./peers.ts"

const toHex = (text: string): string => Buffer.from(text, "utf8").toString("hex")

/** Each node broadcasts a new message, and all other nodes receive it. */
export const allReceiveAll = Effect.fn("delivery.allReceiveAll")(function* (
  nodes: ReadonlyArray<Node>,
  within: Duration.Input = "20 seconds",
) {
  const sent: Array<readonly [author: Node, text: string]> = []
  for (const author of nodes) {
    const text = `${author.name} at ${yield* Clock.currentTimeNanos}`
    sent.push([author, text])
    yield* author.request({ do: "broadcast", hex: toHex(text) }, "sent")
  }
  for (const [author, text] of sent) {
    for (const receiver of nodes) {
      if (receiver === author) continue
      yield* receiver.first("message", {
        where: (message) => message.text === text,
        within,
        what: `message of ${author.name}`,
      })
    }
  }
})

/** Broadcasts new messages until all nodes receive all: for swarms that have not merged yet. */
export const untilAllReceiveAll = (nodes: ReadonlyArray<Node>, within: Duration.Input) =>
  allReceiveAll(nodes, "3 seconds").pipe(
    Effect.retry(Schedule.spaced("1 second")),
    Effect.timeoutOrElse({
      duration: within,
      // Once more, for the error message.
      orElse: () => allReceiveAll(nodes, "3 seconds"),
    }),
  )

/**
 * All nodes have joined and receive each other's messages. A neighbour that is up on one side may not be up on the other side yet, so the
 * first rounds may not reach all nodes. The last round reaches all nodes without a repetition.
 */
export const allMeet = Effect.fn("delivery.allMeet")(function* (
  nodes: ReadonlyArray<Node>,
  within: Duration.Input = "60 seconds",
) {
  yield* Effect.forEach(nodes, (node) => node.first("joined", { within }), { concurrency: "unbounded", discard: true })
  yield* untilAllReceiveAll(nodes, within)
  yield* allReceiveAll(nodes)
})

/** The node has received no message twice. */
export const receivedOnce = Effect.fn("delivery.receivedOnce")(function* (node: Node) {
  const received = new Set<string>()
  for (const event of yield* node.events) {
    if (event.event !== "message") continue
    if (received.has(event.text))
      return yield* new InteropError({ message: `${node.name} received twice: ${event.text}` })
    received.add(event.text)
  }
})

/** All nodes have joined. */
export const allJoined = (nodes: ReadonlyArray<Node>, within: Duration.Input = "60 seconds") =>
  Effect.forEach(nodes, (node) => node.first("joined", { within }), { concurrency: "unbounded", discard: true })
