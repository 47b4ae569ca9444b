import { assert, describe, it } from "@effect/vitest"
import type { Channel, ChannelEvent, ChannelOptions } from "@topic-tracker/core"
import { Effect, Fiber, PubSub, Redacted, Schema, type Scope, Stream } from "effect"
import { passTime } from "./membersWorld.ts"
import { makeWorld } from "./world.ts"

const secret = Redacted.make(new Uint8Array(32).fill(7))

/** All that a stream has given so far. */
const collected = Effect.fnUntraced(function* <A>(stream: Stream.Stream<A>) {
  const events: Array<A> = []
  yield* Effect.forkScoped(
    Stream.runForEach(stream, (event) => Effect.sync(() => void events.push(event))),
    { startImmediately: true },
  )
  return events
})

const texts = (events: ReadonlyArray<ChannelEvent<string>>) =>
  events.map((event) => (event._tag === "Received" ? event.value : event._tag))

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

/** Members of a topic that have become neighbours, each with the channel "chat". */
const members = Effect.fnUntraced(function* (count: number, options?: ChannelOptions<string>) {
  const world = yield* makeWorld()
  const nodes = yield* world.nodes(count)
  const topics = yield* Effect.forEach(nodes, (node) => node.join({ access: "members", secret }))
  const channels = yield* Effect.forEach(topics, (topic) => topic.channel("chat", Schema.String, options))
  yield* passTime(20_000)
  for (const topic of topics) assert.isTrue(yield* topic.isJoined)
  return { world, nodes, topics, channels }
})

const publishAll = (channel: Channel<string>, values: ReadonlyArray<string>) =>
  Effect.forEach(values, (value) => channel.publish(value), { concurrency: "unbounded", discard: true })

describe("a channel", () => {
  it.effect("goes on after a suspend, with what others still have of the time between, and nothing twice", () =>
    Effect.gen(function* () {
      const { channels, topics } = yield* members(3)
      const heard = yield* collected(channels[1]!.events)
      yield* publishAll(channels[0]!, range(0, 3))
      yield* passTime(500)
      yield* topics[1]!.suspend
      const refused = yield* Effect.flip(channels[1]!.publish("x"))
      assert.strictEqual(refused.reason, "Suspended")
      yield* publishAll(channels[0]!, range(3, 5))
      yield* passTime(1_000)
      yield* topics[1]!.resume
      yield* passTime(20_000)
      yield* publishAll(channels[0]!, range(5, 8))
      yield* channels[1]!.publish("back")
      yield* passTime(1_000)
      assert.deepStrictEqual(texts(heard), range(0, 8))
      const atThird = yield* collected(channels[2]!.messages)
      assert.deepStrictEqual(
        atThird.map(({ value }) => value),
        [...range(0, 8), "back"],
      )
    }),
  )

  it.effect("is a pair of publish and subscribe where a program has a PubSub", () =>
    Effect.gen(function* () {
      const { channels } = yield* members(2)
      // A part of a program that knows nothing of topics.
      interface Bus<A> {
        readonly publish: (value: A) => Effect.Effect<unknown, unknown>
        readonly subscribe: Effect.Effect<PubSub.Subscription<A>, never, Scope.Scope>
      }
      const takeThree = ({ subscribe }: Bus<string>) =>
        Effect.flatMap(subscribe, (subscription) => Effect.all([0, 1, 2].map(() => PubSub.take(subscription))))
      const taken = yield* Effect.forkScoped(takeThree(channels[1]!), { startImmediately: true })
      const again = yield* Effect.forkScoped(takeThree(channels[1]!), { startImmediately: true })
      const bus: Bus<string> = channels[0]!
      for (const text of ["a", "a", "b"]) yield* bus.publish(text)
      yield* passTime(500)
      assert.deepStrictEqual(yield* Fiber.join(taken), ["a", "a", "b"])
      assert.deepStrictEqual(yield* Fiber.join(again), ["a", "a", "b"])
    }),
  )

  it.effect("gives a burst to a fast reader without loss, and tells a slow one what it lost", () =>
    Effect.gen(function* () {
      const { channels } = yield* members(2, { capacity: 8 })
      const fast = yield* collected(channels[1]!.events)
      const slow: Array<ChannelEvent<string>> = []
      yield* Effect.forkScoped(
        Stream.runForEach(channels[1]!.events, (event) =>
          Effect.andThen(
            Effect.sync(() => void slow.push(event)),
            Effect.sleep("1 minute"),
          ),
        ),
        { startImmediately: true },
      )
      yield* publishAll(channels[0]!, range(0, 500))
      yield* passTime(1_000)
      assert.deepStrictEqual(texts(fast), range(0, 500))
      for (let minute = 0; minute < 20; minute++) yield* passTime(60_000)
      const lost = slow.reduce((sum, event) => sum + (event._tag === "Lagged" ? event.skipped : 0), 0)
      assert.isAbove(lost, 450)
      assert.strictEqual(lost + slow.filter(({ _tag }) => _tag === "Received").length, 500)
    }),
  )

  it.effect("with backpressure makes the author wait for a reader that is slow", () =>
    Effect.gen(function* () {
      const { channels } = yield* members(2, { capacity: 4, whenSlow: "backpressure" })
      const total = 1_500
      const heard: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(channels[1]!.messages, ({ value }) =>
          Effect.andThen(
            Effect.sync(() => void heard.push(value)),
            Effect.sleep(10),
          ),
        ),
        { startImmediately: true },
      )
      let published = 0
      const long = (i: number) => `${i}`.padEnd(3_500, ".")
      yield* Effect.forkScoped(
        Effect.gen(function* () {
          for (; published < total; published++) yield* channels[0]!.publish(long(published))
        }),
      )
      yield* passTime(2_000)
      // Beyond what was read, only what queues and the network in memory hold.
      assert.isBelow(published, total / 2)
      yield* passTime(20_000)
      assert.deepStrictEqual(
        heard,
        Array.from({ length: total }, (_, i) => long(i)),
      )
    }),
  )

  it.effect("gives who joined later what was said before, if it asks for it", () =>
    Effect.gen(function* () {
      const { channels, topics, world } = yield* members(2)
      yield* publishAll(channels[0]!, range(0, 40))
      yield* passTime(1_000)
      const [late] = yield* world.nodes(1)
      const topic = yield* late!.join({ access: "members", secret })
      const now = yield* collected((yield* topic.channel("chat", Schema.String)).events)
      yield* passTime(20_000)
      assert.isTrue(yield* topic.isJoined)
      const recent = yield* collected((yield* topics[1]!.channel("chat", Schema.String, { from: "recent" })).events)
      yield* channels[0]!.publish("40")
      yield* passTime(1_000)
      assert.deepStrictEqual(texts(now), ["40"])
      assert.deepStrictEqual(texts(recent), range(0, 41))
      assert.deepInclude(yield* channels[1]!.stats, { received: 41, missed: 0, undecodable: 0, rejected: 0 })
    }),
  )

  it.effect("gives a reader that opens it some time after the join what came since, once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const topics = yield* Effect.forEach(yield* world.nodes(2), (node) => node.join({ access: "members", secret }))
      const chat = yield* topics[0]!.channel("chat", Schema.String)
      yield* passTime(20_000)
      assert.isTrue(yield* topics[1]!.isJoined)
      yield* publishAll(chat, range(0, 3))
      yield* passTime(500)
      const first = yield* collected((yield* topics[1]!.channel("chat", Schema.String)).events)
      const second = yield* collected((yield* topics[1]!.channel("chat", Schema.String)).events)
      yield* chat.publish("3")
      yield* passTime(1_000)
      assert.deepStrictEqual(texts(first), range(0, 4))
      assert.deepStrictEqual(texts(second), ["3"])
      const other = yield* topics[0]!.channel("other", Schema.String)
      const kept = 2_048
      yield* publishAll(other, range(0, kept + 10))
      yield* passTime(2_000)
      const late = yield* collected((yield* topics[1]!.channel("other", Schema.String, { capacity: kept + 10 })).events)
      yield* passTime(1_000)
      assert.deepStrictEqual(late[0], { _tag: "Lagged", skipped: 10 })
      assert.deepStrictEqual(texts(late.slice(1)), range(10, kept + 10))
    }),
  )

  it.effect("waits for acknowledgements, and says how many came", () =>
    Effect.gen(function* () {
      const { channels } = yield* members(3)
      const publish = (by: number) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkScoped(
            Effect.result(channels[0]!.publish("x", { acknowledge: { by, within: "2 seconds" } })),
            { startImmediately: true },
          )
          yield* passTime(2_100)
          return yield* Fiber.join(fiber)
        })
      const two = yield* publish(2)
      assert.deepInclude(two, { _tag: "Success" })
      const three = yield* publish(3)
      assert(three._tag === "Failure")
      assert.strictEqual(three.failure.reason, "NotAcknowledged")
      assert.include(three.failure.message, "message 2: 2 of 3 members")
    }),
  )

  it.effect("fails a publish that waits for a neighbour when the topic is suspended", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [node] = yield* world.nodes(1)
      const topic = yield* node!.join({ access: "members", secret })
      const chat = yield* topic.channel("chat", Schema.String)
      const waiting = yield* Effect.forkScoped(Effect.flip(chat.publish("x")), { startImmediately: true })
      yield* passTime(1_000)
      yield* topic.suspend
      assert.strictEqual((yield* Fiber.join(waiting)).reason, "Suspended")
    }),
  )

  it.effect("ends, and fails what waits with Closed, when its node ends before the scope of the topic", () =>
    Effect.gen(function* () {
      const { channels, nodes, world } = yield* members(2)
      const alone = yield* world.node()
      const other = yield* alone.join({ access: "members", secret: "other" })
      const chats = [channels[0]!, yield* other.channel("chat", Schema.String)]
      for (const [index, node] of [nodes[0]!, alone].entries()) {
        const chat = chats[index]!
        const reading = yield* Effect.forkScoped(Stream.runDrain(chat.events), { startImmediately: true })
        // One goes out at once if there is a neighbour; one waits for its turn, or for a neighbour.
        const publish = Effect.flip(chat.publish("x"))
        const waiting = yield* Effect.forEach([0, 1], () => Effect.forkScoped(publish, { startImmediately: true }))
        yield* node.leave
        assert.strictEqual((yield* Fiber.join(waiting[1]!)).reason, "Closed")
        yield* Fiber.join(reading)
        assert.strictEqual((yield* publish).reason, "Closed")
      }
    }),
  )
})
