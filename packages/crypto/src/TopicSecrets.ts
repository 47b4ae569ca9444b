/**
 * The secrets of the topics of a process over time: the default rotation asks it for each minute. Without a secret that was added, a minute's
 * seed is that of the crate. It has no clock and knows no network.
 */
import { equals } from "@topic-tracker/common/Bytes"
import { Effect, Redacted, Schema } from "effect"
import { type Generation, SecretRing } from "./members/SecretRing.ts"
import type { TopicId } from "./TopicId.ts"

/**
 * A secret could not be added: the generation has another secret already, or a value is outside of its range. The message names the value.
 *
 * @since 0.1.0
 * @category errors
 */
export class SecretRingError extends Schema.TaggedError<SecretRingError>()("SecretRingError", {
  message: Schema.String,
}) {}

interface SeedInput {
  readonly topic: TopicId
  readonly unixMinute: bigint
  readonly initialSecretHash: Redacted.Redacted<Uint8Array>
}

/**
 * The secrets that replace the initial ones of topics.
 *
 * @since 0.1.0
 * @category models
 */
export class TopicSecrets {
  readonly #added = new Map<string, ReadonlyArray<Generation>>()
  readonly #listeners = new Set<(topic: TopicId) => void>()

  /**
   * Uses a secret from a minute on, in place of those of lower generations. All members of the topic must add the same one. Adding it again
   * changes nothing. Fails if the generation is there with another secret or minute, or a value is outside of its range.
   */
  add(topic: TopicId, added: Generation): Effect.Effect<void, SecretRingError> {
    return Effect.suspend(() => {
      const before = this.#added.get(topic.hex) ?? []
      const same = before.find(({ generation }) => generation === added.generation)
      if (same !== undefined && isEqual(same, added)) return Effect.void
      if (added.generation === 0) return Effect.fail(errorOf("generation: 0 is that of the initial secret"))
      try {
        this.#added.set(topic.hex, withAdded(before, added))
      } catch (cause) {
        return Effect.fail(errorOf(cause instanceof Error ? cause.message : String(cause)))
      }
      for (const listener of [...this.#listeners]) listener(topic)
      return Effect.void
    })
  }

  /** The secrets that were added for the topic, ascending by generation. */
  generations(topic: TopicId): ReadonlyArray<Generation> {
    return this.#added.get(topic.hex) ?? []
  }

  /** The added secret that is used in the minute; undefined if it is the initial one. */
  at(topic: TopicId, minute: number): Generation | undefined {
    return this.generations(topic)
      .filter(({ from }) => from <= minute)
      .at(-1)
  }

  /** Runs the listener after each change until the returned function runs. */
  onChange(listener: (topic: TopicId) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The seed of the minute, for the default rotation. */
  seed({ initialSecretHash, topic, unixMinute }: SeedInput): Redacted.Redacted<Uint8Array> {
    const secretHash = this.at(topic, Number(unixMinute))?.secretHash ?? initialSecretHash
    return new SecretRing(secretHash).seed(topic, unixMinute)
  }
}

const errorOf = (message: string) => new SecretRingError({ message })

/** Throws a RangeError as a ring does. */
const withAdded = (before: ReadonlyArray<Generation>, added: Generation): ReadonlyArray<Generation> => {
  const [first = added, ...rest] = before
  const ring = new SecretRing(first.secretHash, first.generation, first.from)
  for (const each of rest) ring.add(each)
  if (before.length > 0) ring.add(added)
  return ring.generations
}

const isEqual = (a: Generation, b: Generation): boolean =>
  a.from === b.from && equals(Redacted.value(a.secretHash), Redacted.value(b.secretHash))
