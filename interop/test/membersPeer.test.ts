/**
 * Members-only topics: ours and a Rust program on plain iroh-gossip, written from PROTOCOL.md, in one swarm.
 */
import { Effect } from "effect"
import { allMeet, allReceiveAll, receivedOnce } from "../lib/delivery.ts"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import { members } from "../lib/peers.ts"

const topic = { topic: "members only", secret: "our secret", channel: "chat" }
const pairs = [
  ["Rust", "TS"],
  ["TS", "Rust"],
] as const

suite("members-only topics", (it) => {
  for (const [first, second] of pairs) {
    it.effect(`${second} passes the door of ${first}; messages of every size, both ways`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const one = yield* members(first, host, `one (${first})`, topic)
        const two = yield* members(second, host, `two (${second})`, { ...topic, join: [one.contact] })
        yield* allMeet([one, two])
        const cases = [
          [one, two, "00"],
          [two, one, "01"],
          // One envelope that is full, and several parts.
          [one, two, "11".repeat(3_909)],
          [two, one, "22".repeat(3_909)],
          [one, two, "33".repeat(20_000)],
          [two, one, "44".repeat(20_000)],
        ] as const
        for (const [author, receiver, hex] of cases) {
          yield* author.request({ do: "broadcast", hex }, "sent")
          const received = yield* receiver.first("message", { where: (message) => message.hex === hex })
          assert.strictEqual(received.from, author.endpointId)
        }
        for (const node of [one, two]) yield* receivedOnce(node)
        for (const node of [one, two]) {
          assert.isFalse((yield* node.events).some(({ event }) => event === "ignored" || event === "refused"))
        }
      }),
    )

    it.effect(`${second} with another secret does not pass the door of ${first}, and hears nothing`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const one = yield* members(first, host, `one (${first})`, topic)
        const other = yield* members(second, host, `other (${second})`, { ...topic, join: [one.contact] })
        const outsider = yield* members(second, host, `outsider (${second})`, {
          ...topic,
          secret: "a guess",
          join: [one.contact],
        })
        yield* outsider.first("refused")
        yield* allMeet([one, other])
        yield* outsider.send({ do: "join", peers: [one.contact, other.contact] })
        yield* allReceiveAll([one, other])
        yield* Effect.sleep("1 second")
        const seen = (yield* outsider.events).map(({ event }) => event)
        assert.isFalse(seen.some((event) => event === "neighbor-up" || event === "message" || event === "joined"))
        for (const node of [one, other]) {
          for (const event of yield* node.events) {
            if (event.event === "neighbor-up") assert.notStrictEqual(event.peer, outsider.endpointId)
          }
        }
      }),
    )
  }

  it.effect("2 Rust and 2 TS hear each other", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const nodes = [yield* members("Rust", host, "first (Rust)", topic)]
      for (const [i, language] of (["TS", "Rust", "TS"] as const).entries()) {
        nodes.push(yield* members(language, host, `${i} (${language})`, { ...topic, join: [nodes[0]!.contact] }))
      }
      yield* allMeet(nodes)
      for (const node of nodes) yield* receivedOnce(node)
    }),
  )
})
