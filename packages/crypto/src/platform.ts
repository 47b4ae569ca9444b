/**
 * The parts of the runtime that the layers of Crypto are built on: node:crypto where it exists, and random bytes.
 */
import type * as NodeCrypto from "node:crypto"
import { Effect, Random } from "effect"

export type NodeCryptoModule = typeof NodeCrypto

/**
 * node:crypto on runtimes that have it (Node 22.3, Bun, Deno), else undefined. Looked up at run time instead of imported: a
 * bundle for browsers then has nothing to resolve, and the module graph is the same everywhere.
 */
export const nodeCrypto = (): NodeCryptoModule | undefined =>
  typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:crypto")

/** The source of a layer's random bytes. */
export interface RandomSource {
  /**
   * True if keys may come from the platform's own generator, which is faster. False for a deterministic source: every byte
   * then comes from `bytes`.
   */
  readonly isSystem: boolean
  readonly bytes: (length: number) => Effect.Effect<Uint8Array>
}

/** The platform's cryptographically strong generator. */
export const systemRandom: RandomSource = {
  isSystem: true,
  bytes: (length) => Effect.sync(() => globalThis.crypto.getRandomValues(new Uint8Array(length))),
}

/** Effect's Random service: a seed repeats the run. For tests and simulations only: its bytes are not fit for keys. */
export const deterministicRandom: RandomSource = {
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
