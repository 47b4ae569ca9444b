import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { TopicId } from "@topic-tracker/crypto"
import { Effect, Redacted } from "effect"
import type { JoinOptions } from "../../src/topic/Topic.ts"
import { collect, joinAll, makeWorld, pass, quiet } from "./world.ts"

/** A node, and the error of a join with arguments as they may come from JavaScript. */
const refusals = Effect.gen(function* () {
  const world = yield* makeWorld()
  const node = yield* world.node(quiet)
  return (options: object) => Effect.flip(node.join(options as Partial<JoinOptions>))
})

describe("the arguments of a join", () => {
  const invalid: ReadonlyArray<readonly [argument: string, options: object, message: string]> = [
    ["topic", { topic: undefined }, "topic: undefined; expected a name of at least one byte, or a TopicId"],
    ["topic", { topic: null }, "topic: null; expected a name of at least one byte, or a TopicId"],
    ["topic", { topic: 7 }, "topic: a number; expected a name of at least one byte, or a TopicId"],
    ["topic", { topic: "" }, "topic: empty; expected a name of at least one byte, or a TopicId"],
    [
      "topic",
      { topic: new ArrayBuffer(8) },
      "topic: an ArrayBuffer; expected a name of at least one byte, or a TopicId",
    ],
    [
      "topic",
      { topic: { bytes: new Uint8Array(31) } },
      "topic: an Object; expected a name of at least one byte, or a TopicId",
    ],
    ["secret", { secret: undefined }, "secret: undefined; expected text or a Uint8Array of at least one byte"],
    ["secret", { secret: "" }, "secret: empty; expected text or a Uint8Array of at least one byte"],
    ["secret", { secret: new Uint8Array() }, "secret: empty; expected text or a Uint8Array of at least one byte"],
    ["secret", { secret: Redacted.make("") }, "secret: empty; expected text or a Uint8Array of at least one byte"],
    ["secret", { secret: ["x"] }, "secret: an Array; expected text or a Uint8Array of at least one byte"],
    [
      "topic",
      { topic: "cafe\u0301" },
      `topic: text that is not in Unicode's form NFC; expected the text's normalize("NFC"), or its bytes`,
    ],
    [
      "secret",
      { secret: "cafe\u0301" },
      `secret: text that is not in Unicode's form NFC; expected the text's normalize("NFC"), or its bytes`,
    ],
    [
      "password",
      { password: "x" },
      "password: no option of a join; expected one of topic, secret, access, invite, config, allow, overlap",
    ],
  ]
  for (const [argument, options, message] of invalid) {
    it.effect(`an error names it: ${message}`, () =>
      Effect.gen(function* () {
        const error = yield* (yield* refusals)(options)
        assert.strictEqual(error.message, message)
        assert.strictEqual(error._tag === "TopicError" && error.reason._tag, "InvalidArgument")
        if (error._tag === "TopicError" && error.reason._tag === "InvalidArgument") {
          assert.strictEqual(error.reason.argument, argument)
        }
      }),
    )
  }

  it.effect("a TopicId of a second copy of the package, and bytes of another realm, are taken by their shape", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const id = TopicId.fromName("topic")
      const foreign = { bytes: id.bytes, hex: id.hex }
      const [one, other] = yield* world.nodes(2, quiet)
      const first = yield* one!.join({ topic: foreign as TopicId })
      const secret: Uint8Array = runInNewContext("Uint8Array.from([115, 101, 99, 114, 101, 116])")
      const second = yield* other!.join({ topic: runInNewContext("Uint8Array.from([116, 111, 112, 105, 99])"), secret })
      assert.strictEqual(first.id.hex, second.id.hex)
      yield* pass("5 seconds")
      assert.isTrue(yield* first.isJoined)
      const messages = yield* collect(first.messages)
      yield* second.broadcast(runInNewContext("Uint8Array.from([104, 105])"))
      yield* pass("1 second")
      assert.deepStrictEqual(
        messages.map(({ text }) => text),
        ["hi"],
      )
    }),
  )
})

describe("the content of a broadcast", () => {
  it.effect("is text or bytes; an error names any other, and nothing is sent", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [sender, receiver] = yield* joinAll(yield* world.nodes(2, quiet))
      yield* pass("5 seconds")
      const messages = yield* collect(receiver!.messages)
      for (const [content, kind] of [
        [new ArrayBuffer(2), "an ArrayBuffer"],
        [new Uint16Array(2), "a Uint16Array"],
        [undefined, "undefined"],
        [7, "a number"],
        [{ length: 2 }, "an Object"],
      ] as const) {
        for (const send of [sender!.broadcast, sender!.broadcastNeighbors]) {
          const error = yield* Effect.flip(send(content as unknown as Uint8Array))
          assert.strictEqual(error.message, `content: ${kind}; expected text or a Uint8Array`)
        }
      }
      yield* sender!.broadcast("right")
      yield* pass("1 second")
      assert.deepStrictEqual(
        messages.map(({ text }) => text),
        ["right"],
      )
    }),
  )

  it.effect("a failure is caught by its reason", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const topic = yield* (yield* world.node(quiet)).join()
      yield* topic.suspend
      const sent = yield* topic.broadcast("hello").pipe(
        Effect.as("sent"),
        Effect.catchReason("TopicError", "Suspended", ({ message }) => Effect.succeed(message)),
      )
      assert.strictEqual(sent, "the topic is suspended; resume it first")
    }),
  )
})
