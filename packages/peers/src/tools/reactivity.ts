/**
 * Effect's Reactivity through a topic: what one member invalidates is invalidated at all, so queries and atoms of several processes stay
 * current without a server between them. The keys travel in a channel of a members-only topic; values do not.
 */
import type { ChannelError, Topic } from "@topic-tracker/core"
import { Context, Effect, Layer, Option, Queue, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"

/** The channel of the invalidated keys. */
const DEFAULT_CHANNEL = "~reactivity"

/** Invalidations that wait to be published; the oldest give way. */
const CAPACITY = 256

/** Keys of one message. */
const MAX_KEYS = 256
const MAX_KEY_LENGTH = 256

const Key = Schema.String.check(Schema.isMaxLength(MAX_KEY_LENGTH))
const Invalidated = Schema.Struct({
  keys: Schema.Array(Key).check(Schema.isMaxLength(MAX_KEYS)),
  records: Schema.Array(Schema.Struct({ key: Key, ids: Schema.Array(Key).check(Schema.isMaxLength(MAX_KEYS)) })).check(
    Schema.isMaxLength(MAX_KEYS),
  ),
})
type Invalidated = typeof Invalidated.Type

type Keys = Parameters<Reactivity.Reactivity["invalidate"]>[0]

/** Collects what is invalidated within `withBatch`. */
class Batch extends Context.Service<Batch, Array<Invalidated>>()("@topic-tracker/peers/PeerReactivity/Batch") {}

/** The part of a topic that is needed: any members-only `Topic` has it. */
type ReactivityTopic = Pick<Topic.Topic, "channel">

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface ReactivityOptions {
  /** The channel of the keys, the same at all members. Default "~reactivity". */
  readonly channel?: string
}

/**
 * Reactivity whose invalidations reach all members of a members-only topic. Keys that are strings, numbers, booleans or bigints travel; others
 * are invalidated here only. An invalidation that finds no neighbour is lost: whoever joins later runs its queries anyway. Fails with
 * ChannelError, for example `NotMembersOnly`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * const program = Effect.provide(useQueries, PeerReactivity.layer(topic))
 * ```
 */
export const layer = (
  topic: ReactivityTopic,
  { channel: name = DEFAULT_CHANNEL }: ReactivityOptions = {},
): Layer.Layer<Reactivity.Reactivity, ChannelError> =>
  Layer.effect(
    Reactivity.Reactivity,
    Effect.gen(function* () {
      const channel = yield* topic.channel(name, Invalidated)
      const local = yield* Reactivity.make
      const waiting = yield* Queue.sliding<Invalidated>(CAPACITY)
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.flatMap(Queue.take(waiting), (invalidated) =>
            Effect.ignore(channel.publish(invalidated, { whenAlone: "drop" })),
          ),
        ),
      )
      yield* Effect.forkScoped(
        Stream.runForEach(channel.messages, ({ value }) => Effect.sync(() => local.invalidateUnsafe(keysOf(value)))),
      )
      const publish = (invalidated: Invalidated | undefined): void => {
        if (invalidated !== undefined) Queue.offerUnsafe(waiting, invalidated)
      }
      const invalidate: Reactivity.Reactivity["invalidate"] = (keys) =>
        Effect.andThen(
          local.invalidate(keys),
          Effect.map(Effect.serviceOption(Batch), (batch) => {
            const invalidated = travelling(keys)
            if (Option.isNone(batch)) publish(invalidated)
            else if (invalidated !== undefined) batch.value.push(invalidated)
          }),
        )
      return Reactivity.Reactivity.of({
        ...local,
        invalidate,
        invalidateUnsafe: (keys) => {
          local.invalidateUnsafe(keys)
          publish(travelling(keys))
        },
        mutation: (keys, effect) => Effect.tap(effect, invalidate(keys)),
        withBatch: (effect) =>
          Effect.suspend(() => {
            const batch: Array<Invalidated> = []
            return local.withBatch(Effect.provideService(effect, Batch, batch)).pipe(
              Effect.onExit(() =>
                Effect.sync(() => {
                  for (const invalidated of batch) publish(invalidated)
                }),
              ),
            )
          }),
      })
    }),
  )

/** The keys that can travel; undefined if there is none. */
const travelling = (keys: Keys): Invalidated | undefined => {
  const records = Array.isArray(keys)
    ? []
    : Object.entries(keys as Readonly<Record<string, ReadonlyArray<unknown>>>)
        .filter(([key]) => key.length <= MAX_KEY_LENGTH)
        .slice(0, MAX_KEYS)
        .map(([key, ids]) => ({ key, ids: textsOf(ids) }))
  const plain = Array.isArray(keys) ? textsOf(keys) : []
  return plain.length + records.length === 0 ? undefined : { keys: plain, records }
}

const textsOf = (keys: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  keys
    .filter((key) => ["string", "number", "boolean", "bigint"].includes(typeof key))
    .map(String)
    .filter((key) => key.length <= MAX_KEY_LENGTH)
    .slice(0, MAX_KEYS)

/** Reactivity compares keys by their text, so texts invalidate the same as numbers. */
const keysOf = ({ keys, records }: Invalidated): Keys =>
  records.length === 0 ? keys : Object.fromEntries(records.map(({ ids, key }) => [key, ids]))
