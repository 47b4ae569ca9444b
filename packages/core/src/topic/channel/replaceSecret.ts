/** Replaces the secret of a topic for this node: adds it to the secrets that the default rotation uses. */
import type { SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Clock, Effect, type Redacted } from "effect"
import { refusedArgument, type TopicError } from "../TopicError.ts"

/**
 * Options of `topic.replaceSecret`.
 *
 * @since 0.1.0
 * @category options
 */
export interface ReplaceSecretOptions {
  /** Counts the secrets of the topic: the initial one has 0. Of two that are in use, the higher one counts. Default: one more than now. */
  readonly generation?: number
  /** The minute since the Unix epoch from which it is used. Default: in two minutes. */
  readonly from?: number
}

/**
 * The place of a secret among those of its topic. All members must use the same.
 *
 * @since 0.1.0
 * @category models
 */
export interface SecretGeneration {
  readonly generation: number
  readonly from: number
}

const FROM_MINUTES = 2

export const replaceSecret = Effect.fnUntraced(function* (
  { secrets }: SecretRotation["Service"],
  topic: TopicId,
  secretHash: Redacted.Redacted<Uint8Array>,
  options: ReplaceSecretOptions,
): Effect.fn.Return<SecretGeneration, TopicError> {
  if (secrets === undefined) {
    return yield* refusedArgument(
      "secret",
      "secret: the tracker has a rotation of its own, which decides on the secret",
    )
  }
  const now = yield* Clock.currentTimeMillis
  const {
    generation = (secrets.generations(topic).at(-1)?.generation ?? 0) + 1,
    from = Math.floor(now / 60_000) + FROM_MINUTES,
  } = options
  yield* secrets
    .add(topic, { generation, from, secretHash })
    .pipe(Effect.mapError(({ message }) => refusedArgument(message.split(":")[0] ?? "secret", message)))
  return { generation, from }
})
