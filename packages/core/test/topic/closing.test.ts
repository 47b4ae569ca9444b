import { queryObjects } from "node:v8"
import { assert, describe, it } from "@effect/vitest"
import { makeFiberCounter } from "@topic-tracker/common/testing"
import { TopicId } from "@topic-tracker/crypto"
import { Gossip } from "@topic-tracker/gossip"
import { Cause, Context, Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import type { TopicConfigInput } from "../../src/config/TopicConfig.ts"
import { ActivityLog } from "../../src/topic/ActivityLog.ts"
import { EventHub } from "../../src/topic/EventHub.ts"
import { SwarmView } from "../../src/topic/knowledge/SwarmView.ts"
import type { Topic } from "../../src/topic/Topic.ts"
import { collect, makeWorld, type Node, pass, quiet, settle } from "./world.ts"

const openTopics = (node: Node) =>
  Effect.gen(function* () {
    const gossip = yield* Context.get(node.services, Gossip).stats
    return { tracker: yield* node.tracker.openTopics, gossip: gossip.topics }
  })

/** Brings a topic into a state, closes its scope, and compares what is alive on its node with before the join. */
const leavesNothing = (
  state: string,
  reach: (node: Node, peer: Node, network: Network) => Effect.Effect<unknown, unknown, Scope.Scope>,
  config: TopicConfigInput = {},
) =>
  it.effect(`a topic left ${state} leaves no fiber behind, at once`, () =>
    Effect.gen(function* () {
      const counter = makeFiberCounter()
      const world = yield* makeWorld()
      const node = yield* counter.counted(world.node({ config }))
      const peer = yield* world.node(quiet)
      yield* pass("1 second")
      const before = counter.alive
      const scope = yield* Scope.make()
      yield* reach(node, peer, world.network).pipe(Effect.forkIn(scope), Scope.provide(scope), counter.counted)
      yield* pass("1 second")
      assert.isAbove(counter.alive, before, "there is something to leave")
      yield* Scope.close(scope, Exit.void)
      // No time passes: nothing may linger until a timer is due.
      yield* settle
      assert.strictEqual(counter.alive, before)
      assert.deepStrictEqual(yield* openTopics(node), { tracker: 0, gossip: 0 })
    }),
  )

type Network = Effect.Success<ReturnType<typeof makeWorld>>["network"]

const joined = (node: Node, peer: Node) =>
  Effect.gen(function* () {
    yield* Effect.forkScoped(Effect.andThen(peer.join(), Effect.never))
    return yield* node.tracker.join({ topic: "topic", secret: "secret" })
  })

describe("closing", () => {
  leavesNothing("while it searches", (node) => node.join())
  leavesNothing("while a join waits", (node) => node.tracker.join({ topic: "topic", secret: "secret" }))
  leavesNothing("while joined, with all workers", joined)
  leavesNothing("while broadcasting", (node, peer) =>
    Effect.flatMap(joined(node, peer), (topic) =>
      Effect.forever(
        Effect.andThen(
          Effect.flatMap(Effect.yieldNow, () => topic.broadcast(`${Math.random()}`)),
          Effect.sleep(1),
        ),
      ),
    ),
  )
  leavesNothing("while subscribers listen", (node, peer) =>
    Effect.gen(function* () {
      const topic = yield* joined(node, peer)
      for (const stream of [topic.events, topic.messages, topic.neighborChanges, topic.activity]) {
        yield* Effect.forkDetach(Stream.runDrain<unknown, never, never>(stream))
      }
    }),
  )
  leavesNothing("while a subscriber with backpressure is full", (node, peer) =>
    Effect.gen(function* () {
      const topic = yield* node.join()
      yield* topic.subscribe({ capacity: 1, whenSlow: "backpressure" })
      const other = yield* peer.join()
      yield* Effect.forever(Effect.andThen(Effect.ignore(other.broadcast(`${Math.random()}`)), Effect.sleep(10)))
    }),
  )
  leavesNothing("after its only peer died", (node, peer, network) =>
    Effect.gen(function* () {
      yield* joined(node, peer)
      network.crash(peer.endpointId)
      yield* Effect.never
    }),
  )
  leavesNothing("in the middle of a worker's run", joined, {
    publisher: { initialDelay: 0, baseInterval: "1 second", maxJitter: 0 },
    bubbleMerge: { initialInterval: "905 millis" },
  })

  it.effect("a suspended topic has no fiber; resumed, it joins again at once", () =>
    Effect.gen(function* () {
      const counter = makeFiberCounter()
      const world = yield* makeWorld()
      const node = yield* counter.counted(world.node())
      const peer = yield* world.node()
      // Their addresses are published then.
      yield* pass("200 millis")
      const before = counter.alive
      const topic = yield* counter.counted(node.join())
      const other = yield* peer.join()
      yield* pass("2 seconds")
      const events = yield* collect(topic.events)
      yield* topic.suspend
      yield* pass("100 millis")
      assert.strictEqual(counter.alive, before)
      assert.deepStrictEqual(
        events.map(({ _tag }) => _tag),
        ["NeighborUp", "NeighborDown"],
      )
      assert.isFalse(yield* other.isJoined, "the neighbours were notified")
      assert.strictEqual((yield* Effect.flip(topic.broadcast("hello"))).reason._tag, "Suspended")
      const { lookups } = yield* topic.stats
      yield* pass("3 minutes")
      assert.strictEqual((yield* topic.stats).lookups, lookups)
      yield* counter.counted(topic.resume)
      yield* pass("2 seconds")
      assert.isTrue(yield* topic.isJoined)
      assert.deepStrictEqual(events.slice(2), [{ _tag: "NeighborUp", peer: peer.endpointId }])
      yield* topic.broadcast("hello")
    }),
  )

  it.effect("waiting for a topic that is left fails with Closed, and so does every later operation", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      const scope = yield* Scope.make()
      const topic = yield* node.join().pipe(Scope.provide(scope))
      const waiting = yield* Effect.forkChild(Effect.flip(topic.joined), { startImmediately: true })
      yield* pass("1 second")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "Closed")
      for (const late of [
        topic.joined,
        topic.broadcast("x"),
        topic.resume,
        topic.joinPeers([]),
        Effect.scoped(topic.keepAlive),
      ]) {
        assert.strictEqual((yield* Effect.flip(late)).reason._tag, "Closed")
      }
      for (const stream of [topic.events, topic.messages]) {
        assert.deepStrictEqual(yield* Stream.runCollect<unknown, never, never>(stream), [])
      }
    }),
  )

  it.effect("a join after the node has ended fails with Closed", () =>
    Effect.gen(function* () {
      const node = yield* (yield* makeWorld()).node()
      yield* node.leave
      for (const join of [node.tracker.join, node.tracker.joinNoWait]) {
        const exit = yield* Effect.exit(join({ topic: "topic", secret: "secret" }))
        const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
        assert.strictEqual(Option.getOrUndefined(error)?._tag, "TopicError", String(exit))
      }
    }),
  )

  it.effect(
    "a full subscriber with backpressure in another scope does not keep the topic from being suspended or left",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const [node, peer] = yield* world.nodes(2, quiet)
        const scope = yield* Scope.make()
        const topic = yield* node!.join().pipe(Scope.provide(scope))
        const other = yield* peer!.join()
        yield* pass("1 second")
        const events = yield* topic.subscribe({ capacity: 1, whenSlow: "backpressure" })
        for (const text of ["one", "two", "three"]) yield* other.broadcast(text)
        yield* pass("1 second")
        yield* topic.suspend
        yield* topic.resume
        yield* pass("1 second")
        yield* Scope.close(scope, Exit.void)
        const seen = yield* Stream.runCollect(events)
        assert.strictEqual(seen.at(-1)?._tag, "NeighborDown")
      }),
  )

  it.effect("an interrupted join has left the topic", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      const join = node.tracker
        .join({ topic: "topic", secret: "secret" })
        .pipe(Effect.timeout("5 seconds"), Effect.exit)
      const joining = yield* Effect.forkChild(join)
      yield* pass("4 seconds")
      assert.deepStrictEqual(yield* openTopics(node), { tracker: 1, gossip: 1 })
      yield* pass("1 second")
      const exit = yield* Fiber.join(joining)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasFails(exit.cause))
      assert.deepStrictEqual(yield* openTopics(node), { tracker: 0, gossip: 0 })
    }).pipe(Effect.scoped),
  )

  it.effect("a topic that gossip refused to open can be opened later", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const node = yield* world.node()
      const gossip = Context.get(node.services, Gossip)
      const elsewhere = yield* Scope.make()
      yield* gossip.open(TopicId.fromName("topic")).pipe(Scope.provide(elsewhere))
      for (let i = 0; i < 2; i++) assert.strictEqual((yield* Effect.flip(node.join()))._tag, "TopicError")
      yield* Scope.close(elsewhere, Exit.void)
      yield* pass("2 seconds")
      const topic = yield* node.join()
      yield* topic.broadcast("open")
    }),
  )

  it.effect("nothing is published once leaving has begun, also not by a put that runs", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { keepFirst: 1 } })
      const node = yield* world.node()
      const reader = yield* (yield* world.node({ config: { bootstrap: { maxBootstrapRecords: 0 } } })).join()
      const scope = yield* Scope.make()
      yield* node.join().pipe(Scope.provide(scope))
      yield* pass("15 millis")
      yield* Scope.close(scope, Exit.void)
      yield* pass("1 second")
      const reading = yield* Effect.forkChild(reader.recordPublisher.recordsArray(0n))
      yield* pass("1 second")
      assert.deepStrictEqual(yield* Fiber.join(reading), [])
    }),
  )

  it.effect("sender and receiver keep a topic open only after keepAlive", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const [node, peer] = yield* world.nodes(2)
      yield* peer!.join()
      const joining = yield* Scope.make()
      const keeping = yield* Scope.make()
      const topic = yield* node!.join().pipe(Scope.provide(joining))
      const { sender, receiver } = topic.split
      yield* pass("1 second")
      yield* sender.keepAlive.pipe(Scope.provide(keeping))
      yield* Scope.close(joining, Exit.void)
      yield* pass("1 minute")
      yield* sender.broadcast("still here")
      assert.isTrue(yield* receiver.isJoined)
      yield* Scope.close(keeping, Exit.void)
      assert.strictEqual((yield* Effect.flip(sender.broadcast("gone"))).reason._tag, "Closed")
      assert.deepStrictEqual(yield* openTopics(node!), { tracker: 0, gossip: 0 })
    }),
  )

  it.effect(
    "1,000 joins and leaves leave no fiber, timer, connection, topic or state of one behind",
    () =>
      Effect.gen(function* () {
        const counter = makeFiberCounter()
        const world = yield* makeWorld({ dht: { nodes: 40, k: 4, latency: () => 0 } })
        const node = yield* counter.counted(world.node())
        const peer = yield* world.node(quiet)
        const cycle = (topic: string) =>
          Effect.gen(function* () {
            const joined: Topic = yield* node.join({ topic })
            yield* Effect.forkScoped(Stream.runDrain(joined.events))
            // The peer's topic is joined; the others are left while they search.
            yield* topic === "topic" ? pass("50 millis") : settle
          }).pipe(Effect.scoped, counter.counted)
        const alive = Effect.fnUntraced(function* () {
          // The peer's side of a connection lingers for a moment, and its protocol forgets after 90 s.
          yield* pass("2 minutes")
          const { timers, connections } = world.network.size
          return {
            fibers: counter.alive,
            timers,
            connections,
            open: yield* openTopics(node),
            states: queryObjects(SwarmView, { format: "count" }),
            hubs: queryObjects(EventHub, { format: "count" }),
            logs: queryObjects(ActivityLog, { format: "count" }),
          }
        })
        const cycles = (count: number) =>
          Effect.gen(function* () {
            yield* peer.join()
            for (let i = 0; i < count; i++) yield* cycle(i % 5 === 0 ? "topic" : `topic ${i}`)
          }).pipe(Effect.scoped)
        yield* cycles(1)
        const before = yield* alive()
        assert.deepStrictEqual([before.timers, before.connections, before.states], [0, 0, 0])
        yield* cycles(1000)
        assert.deepStrictEqual(yield* alive(), before)
      }),
    60_000,
  )
})
