/**
 * Where a layer of Crypto takes its random bytes from.
 */
import { Effect, Random } from "effect"

export interface RandomSource {
  /**
   * Whether keys may come from the platform's own generator, which is faster. A deterministic source says no: every byte
   * then comes from `bytes`.
   */
  readonly isSystem: boolean
  readonly bytes: (length: number) => Effect.Effect<Uint8Array>
}

/** The platform's cryptographically strong generator. */
export const system: RandomSource = {
  isSystem: true,
  bytes: (length) => Effect.sync(() => globalThis.crypto.getRandomValues(new Uint8Array(length))),
}

/** Effect's Random service: a seed repeats the run. For tests and simulations only: its bytes are not fit for keys. */
export const deterministic: RandomSource = {
  isSystem: false,
  bytes: (length) =>
    Random.Random.pipe(
      Effect.map((random) => {
        const bytes = new Uint8Array(length)
        for (let i = 0; i < length; i++) bytes[i] = Math.floor(random.nextDoubleUnsafe() * 256)
        return bytes
      }),
    ),
}
