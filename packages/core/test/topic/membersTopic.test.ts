import { assert, describe, it } from "@effect/vitest"
import type { Channel, ChannelEvent } from "@topic-tracker/core"
import { Effect, Redacted, Schema, Stream } from "effect"
import { passTime } from "./membersWorld.ts"
import { makeWorld } from "./world.ts"

const Said = Schema.Struct({ text: Schema.String, at: Schema.Number })

/** All events of a channel so far. */
const listening = Effect.fnUntraced(function* <A>(channel: Channel<A>) {
  const events: Array<ChannelEvent<A>> = []
  yield* Effect.forkScoped(Stream.runForEach(channel.events, (event) => Effect.sync(() => void events.push(event))))
  return events
})

const secret = Redacted.make(new Uint8Array(32).fill(7))

describe("a members-only topic", () => {
  it.effect("is found through the DHT, and its channels have typed messages of proven authors in order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(3)
      const topics = yield* Effect.forEach(nodes, (node) => node.join({ access: "members", secret }))
      const channels = yield* Effect.forEach(topics, (topic) => topic.channel("chat", Said))
      const heard = yield* Effect.forEach(channels, listening)
      yield* passTime(20_000)
      for (const topic of topics) assert.isTrue(yield* topic.isJoined)
      const published = yield* channels[0]!.publish({ text: "one", at: 1 })
      assert.deepInclude(published, { _tag: "Published", seq: 1 })
      yield* channels[0]!.publish({ text: "one", at: 1 })
      yield* channels[0]!.publish({ text: "two ".repeat(5_000), at: 2 })
      yield* passTime(1_000)
      for (const events of heard.slice(1)) {
        assert.deepStrictEqual(
          events.map((event) => event._tag === "Received" && [event.value.at, event.author, event.proven, event.seq]),
          [
            [1, nodes[0]!.endpointId, true, 1],
            [1, nodes[0]!.endpointId, true, 2],
            [2, nodes[0]!.endpointId, true, 3],
          ],
        )
      }
      assert.deepStrictEqual(heard[0], [])
    }),
  )

  it.effect("carries broadcasts as an open topic does, also two equal ones", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(2)
      const topics = yield* Effect.forEach(nodes, (node) => node.join({ access: "members", secret }))
      const heard: Array<string> = []
      yield* topics[1]!.messages.pipe(
        Stream.runForEach((message) => Effect.sync(() => void heard.push(`${message.text}`))),
        Effect.forkScoped,
      )
      yield* passTime(20_000)
      for (const text of ["hello", "hello", "world"]) yield* topics[0]!.broadcast(text)
      yield* topics[0]!.broadcastNeighbors("near")
      yield* passTime(1_000)
      assert.deepStrictEqual(
        heard.filter((text) => text !== "near"),
        ["hello", "hello", "world"],
      )
      assert.include(heard, "near")
    }),
  )

  it.effect("admits neither one with another secret nor one that joins the open topic", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const members = yield* world.nodes(2)
      const outsiders = yield* world.nodes(2)
      const inside = yield* Effect.forEach(members, (node) => node.join({ access: "members", secret }))
      const outside = [
        yield* outsiders[0]!.join({ access: "members", secret: "a guess" }),
        yield* outsiders[1]!.join({ secret }),
      ]
      const heard = yield* Effect.forEach(outside, (topic) =>
        Effect.gen(function* () {
          const texts: Array<string> = []
          yield* topic.messages.pipe(
            Stream.runForEach((message) => Effect.sync(() => void texts.push(`${message.text}`))),
            Effect.forkScoped,
          )
          return texts
        }),
      )
      yield* passTime(30_000)
      yield* inside[0]!.broadcast("secret words")
      yield* passTime(5_000)
      for (const topic of outside) assert.isFalse(yield* topic.isJoined)
      for (const topic of inside) assert.strictEqual((yield* topic.neighbors).size, 1)
      assert.deepStrictEqual(heard, [[], []])
    }),
  )

  it.effect("gives one clear error for each misuse", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [a, b] = yield* world.nodes(2)
      const topic = yield* a!.join({ access: "members", secret })
      const open = yield* b!.join()
      const reason = <A>(effect: Effect.Effect<A, { readonly reason: unknown }, never>) =>
        Effect.map(Effect.flip(effect), (error) => error.reason)
      const opened = (name: string) => Effect.scoped(topic.channel(name, Said))
      assert.strictEqual(yield* reason(opened("")), "NameInvalid")
      assert.strictEqual(yield* reason(opened("x".repeat(65))), "NameInvalid")
      assert.strictEqual(yield* reason(Effect.scoped(open.channel("chat", Said))), "NotMembersOnly")
      const chat = yield* topic.channel("chat", Schema.String.check(Schema.isMaxLength(2_000_000)))
      assert.strictEqual(yield* reason(chat.publish("x".repeat(2 ** 20))), "MessageTooLarge")
      assert.strictEqual(yield* reason(chat.publish("x".repeat(2_000_001))), "NotEncodable")
      assert.strictEqual(yield* reason(chat.publish("x", { whenAlone: "fail" })), "Alone")
      assert.deepStrictEqual(yield* chat.publish("x", { whenAlone: "drop" }), { _tag: "Dropped" })
      const access = "closed" as "open"
      assert.include(`${yield* Effect.flip(a!.join({ access }))}`, "access")
      assert.strictEqual(yield* reason(Effect.scoped(topic.channel("chat", Said, { capacity: 0 }))), "InvalidArgument")
      const tooLarge = Effect.scoped(topic.channel("chat", Said, { maxContentBytes: 2 ** 20 + 1 }))
      assert.strictEqual(yield* reason(tooLarge), "InvalidArgument")
      const acknowledge = { by: 0, within: 1 }
      assert.strictEqual(yield* reason(chat.publish("x", { acknowledge })), "InvalidArgument")
      yield* topic.suspend
      assert.strictEqual(yield* reason(opened("chat")), "Suspended")
      assert.strictEqual(yield* reason(chat.publish("x")), "Suspended")
    }),
  )

  it.effect("passes over what a schema of another version cannot read, and reads what has fields more", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(2)
      const topics = yield* Effect.forEach(nodes, (node) => node.join({ access: "members", secret }))
      const Newer = Schema.Struct({ text: Schema.String, at: Schema.Number, by: Schema.optionalKey(Schema.String) })
      const newer = yield* topics[0]!.channel("chat", Newer)
      const other = yield* topics[0]!.channel("json", Schema.Number, { codec: "json" })
      const older = yield* listening(yield* topics[1]!.channel("chat", Said))
      const json = yield* listening(yield* topics[1]!.channel("json", Schema.String, { codec: "json" }))
      yield* passTime(20_000)
      yield* newer.publish({ text: "x", at: 1, by: "me" })
      yield* other.publish(5)
      yield* passTime(1_000)
      assert.deepInclude(older[0], { _tag: "Received", value: { text: "x", at: 1 } })
      assert.deepInclude(json[0], { _tag: "Undecodable", seq: 1 })
    }),
  )
})
