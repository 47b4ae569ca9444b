/** The assertion that every test of the matrix ends in: who said something is heard by all others, exactly once. */
import { Clock, type Duration, Effect } from "effect"
import { InteropError } from "./InteropError.ts"
import type { Node } from "./peers.ts"

const toHex = (text: string): string => Buffer.from(text, "utf8").toString("hex")

let count = 0

/** Each node in turn says something new, and all others hear it. */
export const allHearAll = Effect.fn("hearing.allHearAll")(function* (
  nodes: ReadonlyArray<Node>,
  within: Duration.Input = "20 seconds",
) {
  const said = new Map<Node, string>()
  for (const node of nodes) {
    const text = `${node.name} says ${++count} at ${yield* Clock.currentTimeMillis}`
    said.set(node, text)
    yield* node.ask({ do: "broadcast", hex: toHex(text) }, "sent")
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
  yield* heardOnce(nodes, [...said.values()])
})

/** No node has heard one of these texts more than once. */
const heardOnce = Effect.fn("hearing.heardOnce")(function* (nodes: ReadonlyArray<Node>, texts: ReadonlyArray<string>) {
  for (const node of nodes) {
    const events = yield* node.events
    for (const text of texts) {
      const times = events.filter((event) => event.event === "message" && event.text === text).length
      if (times > 1) return yield* new InteropError({ message: `${node.name} heard ${times} times: ${text}` })
    }
  }
})

/** Every node has joined. */
export const allJoined = (nodes: ReadonlyArray<Node>, within: Duration.Input = "60 seconds") =>
  Effect.forEach(nodes, (node) => node.first("joined", { within }), { concurrency: "unbounded", discard: true })
