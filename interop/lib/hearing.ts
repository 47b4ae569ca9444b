/** The assertion that every test of the matrix ends in: what one node says is heard by all others, exactly once. */
import { Clock, type Duration, Effect, Schedule } from "effect"
import { InteropError } from "./InteropError.ts"
import type { Node } from "./peers.ts"

const toHex = (text: string): string => Buffer.from(text, "utf8").toString("hex")

/** Each node says something new, and all others hear it. */
export const allHearAll = Effect.fn("hearing.allHearAll")(function* (
  nodes: ReadonlyArray<Node>,
  within: Duration.Input = "20 seconds",
) {
  const said: Array<readonly [author: Node, text: string]> = []
  for (const author of nodes) {
    const text = `${author.name} at ${yield* Clock.currentTimeNanos}`
    said.push([author, text])
    yield* author.ask({ do: "broadcast", hex: toHex(text) }, "sent")
  }
  for (const [author, text] of said) {
    for (const hearer of nodes) {
      if (hearer === author) continue
      yield* hearer.first("message", {
        where: (message) => message.text === text,
        within,
        what: `message of ${author.name}`,
      })
    }
  }
})

/** Says something new again and again until all hear all: for swarms that have yet to grow together. */
export const untilAllHearAll = (nodes: ReadonlyArray<Node>, within: Duration.Input) =>
  allHearAll(nodes, "3 seconds").pipe(
    Effect.retry(Schedule.spaced("1 second")),
    Effect.timeoutOrElse({
      duration: within,
      // Once more, for the words of the failure.
      orElse: () => allHearAll(nodes, "3 seconds"),
    }),
  )

/**
 * All have joined, and what each says reaches every other. A neighbour that is up on one side is not always up on the other
 * yet, so the first rounds may be heard by some only; the last one is heard by all without being said again.
 */
export const allMeet = Effect.fn("hearing.allMeet")(function* (
  nodes: ReadonlyArray<Node>,
  within: Duration.Input = "60 seconds",
) {
  yield* Effect.forEach(nodes, (node) => node.first("joined", { within }), { concurrency: "unbounded", discard: true })
  yield* untilAllHearAll(nodes, within)
  yield* allHearAll(nodes)
})

/** The node has heard nothing twice. */
export const heardOnce = Effect.fn("hearing.heardOnce")(function* (node: Node) {
  const heard = new Set<string>()
  for (const event of yield* node.events) {
    if (event.event !== "message") continue
    if (heard.has(event.text)) return yield* new InteropError({ message: `${node.name} heard twice: ${event.text}` })
    heard.add(event.text)
  }
})

/** Every node has joined. */
export const allJoined = (nodes: ReadonlyArray<Node>, within: Duration.Input = "60 seconds") =>
  Effect.forEach(nodes, (node) => node.first("joined", { within }), { concurrency: "unbounded", discard: true })
