/**
 * Keeps the keys of a members-only topic current: those of each minute as it comes into the window, and all of them again when a secret was
 * replaced.
 */

import type { EpochWindow, MembersKeys } from "@topic-tracker/crypto/members"
import { Clock, Effect, type Scope } from "effect"
import type { MembersOptions } from "../model.ts"

/** The result of {@link makeEpochs}. */
export interface Epochs {
  /** Runs until the scope closes. `renew` opens the doors again: a secret changed, or the minute that we speak in jumped. */
  readonly keep: (renew: () => void) => Effect.Effect<void, never, Scope.Scope>
  /** The first minute of the secret that is used now; our own minute if the rotation does not tell. */
  readonly secretSince: () => number
}

/** Derives the keys of the window for the present minute. */
export const makeEpochs = Effect.fnUntraced(function* (
  { rotation, secretHash, topic }: Pick<MembersOptions, "rotation" | "secretHash" | "topic">,
  keys: MembersKeys,
  window: EpochWindow,
): Effect.fn.Return<Epochs> {
  /** Whether the minute that we speak in rose by more than one. */
  const derive = (isAll: boolean) =>
    Effect.gen(function* () {
      const before = window.speaking
      // A clock before 1970 has no minute: such a node meets nobody until its clock is right.
      const minute = Math.max(0, Math.floor((yield* Clock.currentTimeMillis) / 60_000))
      const missing = window.setMinute(minute)
      for (const epoch of isAll ? window.minutes : missing) {
        const input = { topic, unixMinute: BigInt(epoch), initialSecretHash: secretHash }
        window.add(keys.epoch(epoch, yield* rotation.encryptionSeed(input)))
      }
      return window.speaking > before + 1
    })
  yield* derive(false)
  return {
    secretSince: () => rotation.secrets?.at(topic, window.own)?.from ?? window.own,
    keep: Effect.fnUntraced(function* (renew) {
      const fork = Effect.runForkWith(yield* Effect.context())
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          rotation.secrets?.onChange((changed) => {
            if (changed.hex === topic.hex) fork(Effect.andThen(derive(true), Effect.sync(renew)))
          }),
        ),
        (stop) => Effect.sync(() => stop?.()),
      )
      yield* Effect.forkScoped(
        Effect.gen(function* () {
          for (;;) {
            const now = yield* Clock.currentTimeMillis
            yield* Effect.sleep(60_000 - (now % 60_000))
            if (yield* derive(false)) renew()
          }
        }),
      )
    }),
  }
})
