import { assert, describe, it } from "@effect/vitest"
import type { BytesChannel } from "@topic-tracker/gossip"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { text } from "./support.ts"
import { listening, makeWorld, pass, say, scoped } from "./world.ts"

const range = (count: number, prefix = "m") => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

/** Nodes of which all but the first have asked the first to let them in. */
const joined = Effect.fnUntraced(function* (world: Effect.Success<ReturnType<typeof makeWorld>>, count: number) {
  const nodes = yield* Effect.forEach(Array.from({ length: count }), () => world.node())
  for (const node of nodes.slice(1)) yield* node.gossip.join([nodes[0]!.endpointId])
  yield* pass(300)
  return nodes
})

/** Two nodes: a publishes on the channel, b listens. */
const talking = Effect.gen(function* () {
  const world = yield* makeWorld()
  const [a, b] = yield* joined(world, 2)
  const channel = yield* a!.channel("chat")
  const heard = yield* listening(yield* b!.channel("chat"))
  return { world, a: a!, b: b!, channel, heard }
})

const publishAtOnce = (channel: BytesChannel, texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (each) => say(channel, each), { concurrency: "unbounded" })

describe("BytesChannel", () => {
  it.effect("puts messages that are published at the same time under few signatures, in the order of the calls", () =>
    scoped(
      Effect.gen(function* () {
        const { b, channel, heard } = yield* talking
        const published = yield* publishAtOnce(channel, range(100))
        yield* pass(100)
        assert.deepStrictEqual(
          published.map(({ seq }) => seq),
          range(100).map((_, i) => i + 1),
        )
        assert.deepStrictEqual(heard.texts(), range(100))
        // The first goes alone; of the others some hundreds fit into one envelope.
        assert.strictEqual((yield* b!.stats).accepted, 2)
      }),
    ),
  )

  it.effect("sends no message whose publish was interrupted while it waited for its turn", () =>
    scoped(
      Effect.gen(function* () {
        const { channel, heard } = yield* talking
        yield* say(channel, "first")
        const waiting = yield* Effect.forkScoped(say(channel, "second"), { startImmediately: true })
        yield* Fiber.interrupt(waiting)
        yield* pass(10)
        yield* say(channel, "third")
        yield* pass(100)
        assert.deepStrictEqual(heard.texts(), ["first", "third"])
      }),
    ),
  )

  it.effect(
    "sends several messages of one publish in order, also while another one is under way; a publish of none waits for nothing",
    () =>
      scoped(
        Effect.gen(function* () {
          const { channel, heard } = yield* talking
          yield* say(channel, "first")
          // In parts, so the two others cannot go with it.
          const large = "x".repeat(20_000)
          const several = yield* Effect.forkScoped(channel.publish([text(large), text("2"), text("3")]))
          const none = yield* Effect.forkScoped(channel.publish([]))
          yield* Fiber.join(none)
          while (several.pollUnsafe() === undefined) yield* pass(1)
          assert.strictEqual((yield* Fiber.join(several)).seq, 2)
          yield* say(channel, "4")
          yield* pass(100)
          assert.deepStrictEqual(heard.texts(), ["first", large, "2", "3", "4"])
        }),
      ),
  )

  it.effect("sends the parts of a large message at a rate, and other messages between them", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld({ link: () => ({ delayMs: 50 }) })
        const [a, b] = yield* joined(world, 2)
        const [large, small] = [yield* a!.channel("large"), yield* a!.channel("small")]
        const heard = yield* listening(yield* b!.channel("large"))
        const heardSmall = yield* listening(yield* b!.channel("small"))
        yield* pass(1_000)
        const sending = yield* Effect.forkScoped(large.publish([text("x".repeat(1_000_000))]))
        yield* pass(1_000)
        assert.isBelow((yield* b!.stats).accepted, 170)
        yield* say(small, "now")
        yield* pass(60)
        assert.deepStrictEqual(heardSmall.texts(), ["now"])
        assert.isUndefined(sending.pollUnsafe())
        assert.deepStrictEqual(heard.texts(), [])
        yield* pass(1_200)
        assert.strictEqual(heard.texts()[0]?.length, 1_000_000)
        assert.include(yield* b!.stats, { repaired: 0 })
      }),
    ),
  )

  it.effect(
    "counts the members that acknowledge: neighbours and others, that have the channel open, until the time is over",
    () =>
      scoped(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const nodes = yield* joined(world, 12)
          const channels = yield* Effect.forEach(nodes.slice(0, 10), (node) => node.channel("chat"))
          for (const channel of channels) yield* listening(channel)
          const acknowledge = (by: number) =>
            Effect.gen(function* () {
              const fiber = yield* Effect.forkScoped(
                channels[1]!.publish([text("hello")], { acknowledge: { by, withinMs: 3_000 } }),
              )
              yield* pass(3_100)
              return (yield* Fiber.join(fiber)).acknowledged
            })
          const { neighbors } = yield* say(channels[1]!, "x")
          assert.isBelow(neighbors, 9)
          assert.strictEqual(yield* acknowledge(1), 1)
          assert.strictEqual(yield* acknowledge(9), 9)
          // Of eleven others two have not opened the channel.
          assert.strictEqual(yield* acknowledge(11), 9)
          for (const node of nodes) assert.strictEqual((yield* node.stats).rejected, 0)
        }),
      ),
  )

  it.effect("resumes at once when enough members have acknowledged", () =>
    scoped(
      Effect.gen(function* () {
        const { channel } = yield* talking
        const fiber = yield* Effect.forkScoped(
          channel.publish([text("hello")], { acknowledge: { by: 1, withinMs: 60_000 } }),
        )
        yield* pass(50)
        assert.deepStrictEqual(fiber.pollUnsafe(), Exit.succeed({ seq: 1, neighbors: 1, acknowledged: 1 }))
      }),
    ),
  )

  it.effect("gives who asks for it what was said before: of others, and to a second reader in the same node", () =>
    scoped(
      Effect.gen(function* () {
        const { b, channel, heard: atB, world } = yield* talking
        yield* publishAtOnce(channel, range(50))
        yield* say(channel, "x".repeat(10_000))
        yield* pass(100)
        const all = [...range(50), "x".repeat(10_000)]
        const second = yield* listening(yield* b!.channel("chat", { from: "recent" }))
        const c = yield* world.node()
        const recent = yield* listening(yield* c.channel("chat", { from: "recent" }))
        const other = yield* world.node()
        const now = yield* listening(yield* other.channel("chat"))
        for (const node of [c, other]) yield* node.gossip.join([b!.endpointId])
        yield* pass(2_000)
        yield* say(channel, "later")
        yield* pass(1_000)
        assert.deepStrictEqual(atB.texts(), [...all, "later"])
        assert.deepStrictEqual(second.texts(), [...all, "later"])
        assert.deepStrictEqual(recent.texts(), [...all, "later"])
        assert.deepStrictEqual(now.texts(), ["later"])
        // Opened when messages have come that nobody here read.
        const third = yield* world.node()
        yield* third.gossip.join([b!.endpointId])
        yield* pass(1_000)
        yield* say(channel, "last")
        yield* pass(1_000)
        const opened = yield* listening(yield* third.channel("chat", { from: "recent" }))
        yield* pass(3_000)
        assert.deepStrictEqual(opened.texts(), [...all, "later", "last"])
      }),
    ),
  )

  it.effect("tells the end of what an author said that leaves, so that a lost last message is asked for", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const [a, b] = yield* joined(world, 2)
        const scope = yield* Scope.make()
        const c = yield* world.node().pipe(Scope.provide(scope))
        yield* c.gossip.join([a!.endpointId])
        yield* pass(300)
        const channel = yield* c.channel("chat").pipe(Scope.provide(scope))
        const heard = yield* listening(yield* b!.channel("chat"))
        yield* say(channel, "one")
        yield* say(channel, "two")
        yield* Scope.close(scope, Exit.void)
        yield* pass(500)
        assert.deepStrictEqual(heard.texts(), ["one", "two"])
        // Two messages and the last envelope.
        assert.strictEqual((yield* b!.stats).accepted, 3)
      }),
    ),
  )

  it.effect("with backpressure loses nothing: authors wait for a reader that reads later", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const [a, b] = yield* joined(world, 2)
        const channel = yield* a!.channel("chat")
        const slow = yield* b!.channel("chat", { capacity: 4, whenSlow: "backpressure" })
        const other = yield* listening(yield* b!.channel("chat", { capacity: 100_000 }))
        const total = 1_000
        let published = 0
        yield* Effect.forkScoped(
          Effect.gen(function* () {
            for (let i = 0; i < total; i++) {
              yield* say(channel, `${i} `.padEnd(3_000, "."))
              published++
            }
          }),
        )
        yield* pass(3_000)
        assert.isBelow(published, total / 2)
        const before = other.events.length
        assert.isBelow(before, published)
        const heard = yield* listening(slow)
        yield* pass(30_000)
        assert.strictEqual(published, total)
        assert.deepStrictEqual(
          heard.texts().map((each) => Number(each.split(" ")[0])),
          Array.from({ length: total }, (_, i) => i),
        )
        assert.strictEqual(other.events.length, total)
      }),
    ),
  )

  it.effect(
    "of 40 newcomers each hears the first message that is sent after it has joined",
    () =>
      scoped(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const nodes = yield* joined(world, 3)
          const channels = yield* Effect.forEach(nodes, (node) => node.channel("chat"))
          for (let round = 0; round < 40; round++) {
            const scope = yield* Scope.make()
            const newcomer = yield* world.node().pipe(Scope.provide(scope))
            const heard: Array<string> = []
            const channel = yield* newcomer.channel("chat").pipe(Scope.provide(scope))
            yield* Stream.runForEach(channel.events, (event) =>
              Effect.sync(() => {
                if (event._tag === "Received") heard.push(new TextDecoder().decode(event.message))
              }),
            ).pipe(Effect.forkIn(scope))
            yield* newcomer.gossip.join([nodes[round % 3]!.endpointId])
            while ((yield* newcomer.neighbors) === 0) yield* pass(10)
            const ready = yield* Effect.forkScoped(newcomer.hasHeads)
            while (ready.pollUnsafe() === undefined) yield* pass(10)
            yield* say(channels[(round + 1) % 3]!, `round ${round}`)
            yield* pass(500)
            assert.include(heard, `round ${round}`)
            yield* Scope.close(scope, Exit.void)
          }
        }),
      ),
    60_000,
  )

  it.effect("ends at once for readers that come when the topic is closing or closed", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const own = yield* Scope.make()
        const node = yield* world.node().pipe(Scope.provide(own))
        const read = Effect.flatMap(node.channel("chat"), ({ events }) => Stream.runDrain(events))
        // The second one opens the channel within the close of the topic.
        const reading = yield* Effect.forkScoped(Effect.andThen(read, read), { startImmediately: true })
        yield* Scope.close(own, Exit.void)
        yield* Fiber.join(reading)
        yield* read
      }),
    ),
  )

  it.effect("gives up 30,000 messages that wait, each in the same time", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const [a] = yield* joined(world, 2)
        const channel = yield* a!.channel("chat")
        const waiting = yield* Effect.forkScoped(publishAtOnce(channel, range(30_000)), { startImmediately: true })
        const start = performance.now()
        yield* Fiber.interrupt(waiting)
        assert.isBelow(performance.now() - start, 5_000)
      }),
    ),
  )
})
