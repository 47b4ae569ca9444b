/** Nodes with presence in a world in memory, on the TestClock. */
import { type EndpointId, type Topic, TopicTracker, type TopicView } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Presence } from "@topic-tracker/presence"
import { Context, type Duration, Effect, Exit, Layer, Schema, Scope, Stream, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"

export const State = Schema.Struct({ name: Schema.String })
export type State = typeof State.Type

export const pass = (duration: Duration.Input) =>
  Effect.gen(function* () {
    for (let i = 0; i < 10; i++) yield* Effect.yieldNow
    yield* TestClock.adjust(duration)
    for (let i = 0; i < 10; i++) yield* Effect.yieldNow
  })

export interface Node {
  readonly id: EndpointId.EndpointId
  readonly topic: Topic.Topic
  /** The topic as a program sees it that watches the node. */
  readonly view: TopicView
  readonly presence: Presence.Presence<State>
  /** All changes so far, as "Joined Ada". */
  readonly changes: ReadonlyArray<string>
  /** The names of the members now, in order. */
  readonly names: Effect.Effect<ReadonlyArray<string>>
  readonly leave: Effect.Effect<void>
  readonly crash: Effect.Effect<void>
}

export const makeWorld = Effect.fnUntraced(function* (options: MemoryWorld.MemoryWorldOptions = {}) {
  yield* TestClock.setTime(1_800_000_000_000)
  const world = yield* MemoryWorld.make(options)
  const node = Effect.fnUntraced(function* (name: string, identity?: number) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const layer = MemoryWorld.layer(
      world,
      identity === undefined ? {} : { identity: new Uint8Array(32).fill(identity) },
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    const tracker = Context.get(context, TopicTracker)
    const topic = yield* tracker
      .joinNoWait({ topic: "people", secret: "our secret", access: "members" })
      .pipe(Scope.provide(scope))
    const presence = yield* Presence.make(topic, { schema: State, state: { name } }).pipe(Scope.provide(scope))
    const changes: Array<string> = []
    yield* presence.changes.pipe(
      Stream.runForEach(({ _tag, member }) => Effect.sync(() => void changes.push(`${_tag} ${member.state.name}`))),
      Effect.forkIn(scope),
    )
    return {
      id: tracker.endpointId,
      topic,
      view: (yield* tracker.views)[0]!,
      presence,
      changes,
      names: Effect.map(SubscriptionRef.get(presence.members), (members) =>
        [...members.values()].map(({ state }) => state.name).sort(),
      ),
      leave: Scope.close(scope, Exit.void),
      crash: Effect.sync(() => world.network.crash(tracker.endpointId)),
    } satisfies Node as Node
  })
  return { world, node }
})
