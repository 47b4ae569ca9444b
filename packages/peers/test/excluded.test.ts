/** The streams of a peer that is a member no longer; topics of the tracker, in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { type EndpointId, Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Peers, type PeersService } from "../src/index.ts"

const MINUTE = 60_000

const pass = Effect.fnUntraced(function* (ms: number) {
  for (let passed = 0; passed < ms; passed += 100) {
    for (let i = 0; i < 5; i++) yield* Effect.yieldNow
    yield* TestClock.adjust(100)
  }
})

const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; i < 300 && fiber.pollUnsafe() === undefined; i++) yield* pass(100)
    assert.isDefined(fiber.pollUnsafe(), "it is done in time")
    return yield* Fiber.join(fiber)
  })

/** Three members. The second and the third have an open stream to the first. */
const makeMembers = Effect.fnUntraced(function* (
  allow: (peer: EndpointId.EndpointId) => Effect.Effect<boolean> = () => Effect.succeed(true),
) {
  yield* TestClock.setTime(1_000_000 * MINUTE)
  const world = yield* MemoryWorld.make({ network: { link: () => ({ delayMs: 20 }) } })
  const join = Effect.fnUntraced(function* (options: Pick<Topic.JoinOptions, "allow">) {
    const context = yield* Layer.build(MemoryWorld.layer(world))
    const topic = yield* Effect.provideContext(
      Topic.join({ topic: "t", secret: "the first secret", access: "members", ...options }),
      context,
    )
    return { id: Context.get(context, TopicTracker).endpointId, topic, peers: yield* Peers.make(topic) }
  })
  const members = yield* inTime(Effect.all([join({ allow }), join({}), join({})], { concurrency: 3 }))
  const [first, second, third] = members
  yield* first.peers.serve({ protocol: "p" }, () => Effect.never)
  const open = Effect.fnUntraced(function* (peers: PeersService) {
    const socket = yield* peers.connect(first.id, { protocol: "p" })
    const { pull } = yield* socket.reader
    const fiber = yield* Effect.forkScoped(Effect.flip(pull))
    const endOf = () => {
      const exit = fiber.pollUnsafe()
      return exit?._tag === "Success" && exit.value.reason._tag === "SocketCloseError" ? exit.value.reason.code : exit
    }
    return { endOf }
  })
  return {
    first,
    second: { ...second, stream: yield* inTime(open(second.peers)) },
    third: { ...third, stream: yield* inTime(open(third.peers)) },
    refusalOf: (peers: PeersService) =>
      Effect.map(
        inTime(Effect.flip(Effect.scoped(peers.connect(first.id, { protocol: "p" })))),
        ({ reason }) => reason,
      ),
  }
})

describe("the streams of an excluded peer", () => {
  it.effect("end when the overlap of secrets is ended; those of members with the new secret go on", () =>
    Effect.gen(function* () {
      const { first, refusalOf, second, third } = yield* makeMembers()
      for (const { topic } of [first, second]) yield* topic.replaceSecret("another secret", { from: 1_000_001 })
      yield* pass(90_000)
      assert.deepStrictEqual([second.stream.endOf(), third.stream.endOf()], [undefined, undefined])
      yield* first.topic.endOverlap
      yield* pass(2_500)
      assert.deepStrictEqual([second.stream.endOf(), third.stream.endOf()], [undefined, 4_003])
      assert.strictEqual(yield* refusalOf(third.peers), "NotInTopic")
      yield* inTime(Effect.scoped(second.peers.connect(first.id, { protocol: "p" })))
    }),
  )

  it.effect("end when `allow` refuses the peer at a recheck; it is refused when it calls again", () =>
    Effect.gen(function* () {
      const banned = new Set<string>()
      const { first, refusalOf, second, third } = yield* makeMembers((peer) => Effect.sync(() => !banned.has(peer)))
      banned.add(third.id)
      yield* first.topic.recheck
      yield* pass(500)
      assert.deepStrictEqual([second.stream.endOf(), third.stream.endOf()], [undefined, 4_003])
      assert.strictEqual(yield* refusalOf(third.peers), "Refused")
      yield* inTime(Effect.scoped(second.peers.connect(first.id, { protocol: "p" })))
    }),
  )
})
