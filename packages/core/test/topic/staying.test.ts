import { assert, describe, it } from "@effect/vitest"
import { SecretRotation } from "@topic-tracker/crypto"
import { Effect, Exit, Fiber, Logger, Redacted, Scope } from "effect"
import { collect, isOneSwarm, joinAll, makeWorld, pass, quiet, settle } from "./world.ts"

describe("staying joined", () => {
  it.effect("after the founder has left, the other nodes and later ones still meet", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const founder = yield* world.node()
      yield* founder.join()
      yield* pass("5 seconds")
      const stayers = yield* world.nodes(3)
      const stayed = yield* joinAll(stayers)
      yield* pass("5 seconds")
      yield* founder.leave
      yield* pass("3 minutes")
      const late = yield* world.nodes(2)
      const joined = yield* joinAll(late)
      yield* pass("5 seconds")
      assert.isTrue(yield* isOneSwarm([...stayers, ...late], [...stayed, ...joined]))
    }),
  )

  it.effect("one of two nodes leaves: the other searches again, and a third finds it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [a, b, c] = yield* world.nodes(3, quiet)
      const topic = yield* b!.join()
      yield* a!.join()
      yield* pass("5 seconds")
      const activities = yield* collect(topic.activity)
      yield* a!.leave
      yield* pass("100 millis")
      assert.isFalse(yield* topic.isJoined)
      assert.include(
        activities.map(({ _tag }) => _tag),
        "Alone",
      )
      // The slot of this minute may still hold the record of the node that left; the third joins in the next minute at the latest.
      const third = yield* c!.join()
      yield* pass("62 seconds")
      assert.deepStrictEqual([yield* topic.isJoined, yield* third.isJoined], [true, true])
    }),
  )

  it.effect("a node whose last neighbour dies searches at the same moment, and finds another", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 1, lostPuts: 0.5 } })
      const [a, b, c] = yield* world.nodes(3, quiet)
      const first = yield* a!.join()
      const lonely = yield* b!.join()
      yield* pass("2 seconds")
      const activities = yield* collect(lonely.activity)
      yield* first.suspend
      const late = yield* c!.join()
      yield* pass("2 seconds")
      const at = (tag: string) => activities.findLast(({ _tag }) => _tag === tag)?.at
      assert.isDefined(at("Alone"))
      assert.strictEqual(at("BootstrapBegan"), at("Alone"))
      assert.deepStrictEqual([...(yield* late.neighbors)], [b!.endpointId])
    }),
  )

  it.effect("a peer that hangs up again and again is not dialled in a hot loop", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const steady = yield* world.node(quiet)
      const topic = yield* steady.join()
      const fickle = yield* world.node(quiet)
      const other = yield* fickle.join()
      yield* pass("1 second")
      const before = yield* topic.stats
      for (let i = 0; i < 60; i++) {
        yield* other.suspend
        yield* pass("50 millis")
        yield* other.resume
        yield* pass("450 millis")
      }
      const after = yield* topic.stats
      assert.isBelow(after.lookups - before.lookups, 120, "at most a few lookups for each loss, over 30 s")
      assert.isBelow(after.dials - before.dials, 120)
    }),
  )

  it.effect("nodes whose place is given away again and again look ever less often", () =>
    Effect.gen(function* () {
      // Behind NATs, but for one: it has 25 places, for 31 others.
      let reached: string | undefined
      const world = yield* makeWorld({
        network: { reachable: (_, to) => to === reached, link: () => ({ delayMs: 10 }) },
      })
      const first = yield* world.node()
      reached = first.endpointId
      const topics = [yield* first.join(), ...(yield* joinAll(yield* world.nodes(31, quiet)))]
      const lookups = Effect.map(
        Effect.forEach(topics, (topic) => topic.stats),
        (all) => all.reduce((sum, { lookups }) => sum + lookups, 0),
      )
      yield* pass("1 minute")
      const after = [yield* lookups]
      yield* pass("1 minute")
      after.push(yield* lookups)
      const second = (after[1]! - after[0]!) / topics.length
      assert.strictEqual((yield* topics[0]!.neighbors).size, 25)
      assert.isBelow(second, 5)
    }),
  )

  it.effect("a node alone has a record in every minute, and needs no more lookups for it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const topic = yield* (yield* world.node({ tuning: { pollJitter: 0 } })).join()
      yield* pass("1 minute")
      const before = yield* topic.stats
      yield* pass("5 minutes")
      const after = yield* topic.stats
      assert.strictEqual(after.recordsPublished - before.recordsPublished, 5)
      // One every 1.5 s plus the time of the lookup itself, and one after each record.
      assert.isAtMost(after.lookups - before.lookups, 5 * (60 / 1.5 + 1))
    }),
  )

  it.effect("after a network change a searching node looks up records at once, and a joined one merges", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node({ config: { publisher: { enabled: false } } })
      const topic = yield* node.join()
      yield* pass("20 seconds")
      const searching = (yield* topic.stats).lookups
      world.network.changeNetwork(node.endpointId)
      yield* pass("100 millis")
      assert.isAbove((yield* topic.stats).lookups, searching)
      yield* (yield* world.node(quiet)).join()
      yield* pass("3 seconds")
      assert.isTrue(yield* topic.isJoined)
      const joined = (yield* topic.stats).lookups
      world.network.changeNetwork(node.endpointId)
      yield* pass("100 millis")
      assert.strictEqual((yield* topic.stats).lookups, joined + 1)
    }),
  )

  it.effect("a joined node continues while the DHT is gone, and publishes again when it is back", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const config = { publisher: { initialDelay: "1 second", baseInterval: "1 second", maxJitter: 0 } } as const
      const nodes = yield* world.nodes(2, { config })
      const topics = yield* joinAll(nodes)
      yield* pass("1 second")
      yield* world.dht.setFaults({ dead: 1 })
      yield* pass("3 minutes")
      assert.isAbove((yield* topics[0]!.stats).failures, 0)
      assert.isTrue(yield* topics[0]!.isJoined)
      const published = (yield* topics[0]!.stats).recordsPublished
      yield* world.dht.setFaults({ dead: 0 })
      yield* pass("2 minutes")
      assert.isAbove((yield* topics[0]!.stats).recordsPublished, published)
    }),
  )

  it.effect("a failure of all topics is logged as one warning for each activity, and again after it had passed", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel === "Warn") lines.push(`${message}`)
      })
      yield* Effect.gen(function* () {
        const world = yield* makeWorld()
        const node = yield* world.node()
        yield* world.dht.setFaults({ dead: 1 })
        const topics = yield* Effect.forEach(["a", "b", "c", "d", "e", "f"], (topic) => node.join({ topic }))
        yield* pass("3 minutes")
        const failures = yield* Effect.forEach(topics, (topic) => Effect.map(topic.stats, (stats) => stats.failures))
        for (const count of failures) assert.isAbove(count, 3)
        assert.isAbove(lines.length, 0)
        assert.strictEqual(new Set(lines).size, lines.length)
        const logged = lines.length
        yield* world.dht.setFaults({ dead: 0 })
        yield* pass("6 minutes")
        assert.lengthOf(lines, logged)
        yield* world.dht.setFaults({ dead: 1 })
        yield* pass("3 minutes")
        assert.strictEqual(lines.length, 2 * logged)
      }).pipe(Effect.provide(Logger.layer([logger])))
    }),
  )
})

describe("sharing and refusing", () => {
  it.effect("the same topic joined twice is one topic, closed with its last holder", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [node, peer] = yield* world.nodes(2)
      yield* peer!.join()
      const first = yield* node!.join()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const second = yield* node!.join({
            topic: new TextEncoder().encode("topic"),
            secret: Redacted.make("secret"),
          })
          yield* pass("1 second")
          assert.deepStrictEqual(yield* second.neighbors, yield* first.neighbors)
          assert.strictEqual(yield* node!.tracker.openTopics, 1)
        }),
      )
      assert.isTrue(yield* first.isJoined)
      assert.strictEqual(yield* node!.tracker.openTopics, 1)
    }),
  )

  it.effect("many topics of one node each have their own peers", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(2)
      const names = Array.from({ length: 10 }, (_, i) => `topic ${i}`)
      const [ours, theirs] = yield* Effect.forEach(nodes, (node) =>
        Effect.forEach(names, (topic) => node.join({ topic }), { concurrency: "unbounded" }),
      )
      const heard = yield* Effect.forEach(theirs!, (topic) => collect(topic.messages))
      yield* pass("2 seconds")
      for (const [i, topic] of ours!.entries()) yield* topic.broadcast(names[i]!)
      yield* pass("200 millis")
      assert.deepStrictEqual(
        heard.map((messages) => messages.map(({ text }) => text)),
        names.map((name) => [name]),
      )
    }),
  )

  it.effect("joins with another secret, an empty topic or invalid options fail and name the argument", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      yield* node.join()
      const otherSecret = yield* Effect.flip(node.join({ secret: "other" }))
      assert.strictEqual(otherSecret._tag === "TopicError" && otherSecret.reason._tag, "InvalidArgument")
      assert.include(otherSecret.message, "secret")
      for (const topic of ["", new Uint8Array()]) {
        const empty = yield* Effect.flip(node.join({ topic }))
        assert.strictEqual(empty._tag === "TopicError" && empty.reason._tag, "InvalidArgument")
        assert.include(empty.message, "topic: empty")
      }
      const config = { timeouts: { broadcast: -1 } }
      const invalid = yield* Effect.flip(node.join({ topic: "another", config }))
      assert.strictEqual(invalid._tag, "TopicConfigError")
      assert.include(invalid.message, "timeouts.broadcast")
      assert.strictEqual(yield* node.tracker.openTopics, 1)
    }),
  )

  it.effect("a refused join works once the topic is free, also while it is being left", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      const join = { secret: "other" }
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* node.join()
          yield* Effect.flip(node.join(join))
        }),
      )
      const [one, two] = yield* Effect.all([Effect.scoped(node.join(join)), node.join(join)], { concurrency: 2 })
      yield* settle
      assert.strictEqual(one.id.hex, two.id.hex)
      assert.strictEqual(yield* node.tracker.openTopics, 1)
      yield* two.broadcast("open")
    }),
  )

  it.effect("a join's options differ from the tracker's, which differ from the defaults", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node({ config: { bubbleMerge: { minNeighbors: 3, maxJoinPeers: 1 } } })
      const topic = yield* node.join({ config: { bubbleMerge: { maxJoinPeers: 4 } } })
      assert.strictEqual(topic.config.bubbleMerge.minNeighbors, 3)
      assert.strictEqual(topic.config.bubbleMerge.maxJoinPeers, 4)
      assert.strictEqual(topic.config.bootstrap.maxBootstrapRecords, 5)
    }),
  )
})

describe("workers that cannot start", () => {
  /** A rotation that gives no key: reading and publishing fail, and only a peer that dials brings a neighbour. */
  const broken = SecretRotation.layerFrom(() => Effect.die(new Error("no key today")))

  it.effect("fail the topic if its options say so", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node({ rotation: broken })
      const topic = yield* node.join()
      const dialler = yield* (yield* world.node()).join()
      yield* pass("1 second")
      yield* dialler.joinPeers([node.endpointId])
      yield* pass("1 second")
      const error = yield* Effect.flip(topic.joined)
      assert.strictEqual(error.reason._tag, "StartFailed")
      assert.include(error.message, "publisher")
      assert.strictEqual((yield* Effect.flip(topic.broadcast("x"))).reason._tag, "StartFailed")
      assert.isFalse(yield* dialler.isJoined, "and has left the swarm")
      // The name is free again, though the failed topic's scope is still open.
      yield* node.join({ secret: "other" })
    }),
  )

  for (const secret of ["secret", "other"]) {
    it.effect(
      `give a new topic to a join with ${secret === "secret" ? "the same" : "another"} secret right after the failure`,
      () =>
        Effect.gen(function* () {
          // The last messages wait until the first ones have arrived.
          const world = yield* makeWorld({ network: { streamWindowBytes: 40 } })
          const node = yield* world.node({ rotation: broken })
          const topic = yield* node.join()
          const sending = Effect.forever(Effect.andThen(topic.broadcast("hello"), Effect.yieldNow))
          // At once: the dialler finds the new one too, and it fails as well.
          const sendingAgain = Effect.flatMap(node.join({ secret }), (next) => next.broadcast("hello"))
          const again = yield* Effect.forkScoped(Effect.andThen(Effect.flip(sending), sendingAgain))
          const dialler = yield* (yield* world.node()).join()
          yield* pass("1 second")
          yield* dialler.joinPeers([node.endpointId])
          yield* pass("1 second")
          yield* Fiber.join(again)
          assert.strictEqual((yield* Effect.flip(topic.broadcast("hello"))).reason._tag, "StartFailed")
        }),
    )
  }

  it.effect("fail the topic, and its keepAlive does not keep the topic that was joined after it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node({ rotation: broken })
      const failed = yield* Scope.make()
      const topic = yield* node.join().pipe(Scope.provide(failed))
      const dialler = yield* (yield* world.node()).join()
      yield* pass("1 second")
      yield* dialler.joinPeers([node.endpointId])
      yield* pass("1 second")
      const next = yield* Scope.make()
      yield* node.join().pipe(Scope.provide(next))
      assert.strictEqual((yield* Effect.flip(topic.keepAlive)).reason._tag, "StartFailed")
      yield* Scope.close(failed, Exit.void)
      assert.strictEqual(yield* node.tracker.openTopics, 1)
      yield* Scope.close(next, Exit.void)
      assert.strictEqual(yield* node.tracker.openTopics, 0)
    }),
  )

  it.effect("are left out if they are not required", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const config = {
        publisher: { failTopicCreationOnPublishingStartupFailure: false },
        bubbleMerge: { failTopicCreationOnMergeStartupFailure: false },
        messageOverlapMerge: { failTopicCreationOnMergeStartupFailure: false },
      }
      const node = yield* world.node({ rotation: broken, config })
      const topic = yield* node.join()
      const activities = yield* collect(topic.activity)
      const dialler = yield* (yield* world.node()).join()
      yield* pass("1 second")
      yield* dialler.joinPeers([node.endpointId])
      yield* pass("1 second")
      yield* topic.joined
      const failed = activities.flatMap((activity) =>
        activity._tag === "Failed" && activity.by !== "bootstrap" ? [activity.by] : [],
      )
      assert.deepStrictEqual(failed, ["publisher", "bubbleMerge", "messageOverlapMerge"])
    }),
  )
})
