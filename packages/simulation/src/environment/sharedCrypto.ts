/**
 * Cryptography for many nodes in one process: the real operations, but each result is computed once and shared. A thousand nodes
 * read the same slots and verify and open the same few records; the result depends on the input alone. Sealing is not shared.
 */
import { BoundedMap, Bytes } from "@topic-tracker/common"
import { Crypto, type OpenError, type SigningKey } from "@topic-tracker/crypto"
import { Effect, Layer, Redacted, type Result } from "effect"

/** The number of results of each kind that are kept: full slots of some minutes. */
const MAX_RESULTS = 4_096

/** Crypto with shared results and all randomness from Effect's Random. Build it once for each world. */
export const layer = (): Layer.Layer<Crypto> =>
  Layer.effect(
    Crypto,
    Effect.map(Crypto, (crypto): Crypto["Service"] => {
      const keys = new BoundedMap<string, SigningKey>(MAX_RESULTS)
      const opened = new BoundedMap<string, Result.Result<Uint8Array, OpenError>>(MAX_RESULTS)
      const verified = new BoundedMap<string, boolean>(MAX_RESULTS)
      const strictlyVerified = new BoundedMap<string, boolean>(MAX_RESULTS)
      return {
        ...crypto,
        signingKey: (seed) => computeOnce(keys, Bytes.toHex(Redacted.value(seed)), () => crypto.signingKey(seed)),
        verify: (publicKey, message, signature) =>
          computeOnce(verified, inputOf(publicKey, signature, message), () =>
            crypto.verify(publicKey, message, signature),
          ),
        verifyStrict: (publicKey, message, signature) =>
          computeOnce(strictlyVerified, inputOf(publicKey, signature, message), () =>
            crypto.verifyStrict(publicKey, message, signature),
          ),
        open: (recipient, box) =>
          Effect.suspend(() => {
            const input = inputOf(Redacted.value(recipient.seed), box)
            const known = opened.get(input)
            if (known !== undefined) return copyOf(known)
            return Effect.flatMap(Effect.result(crypto.open(recipient, box)), (result) => {
              opened.set(input, result)
              return copyOf(result)
            })
          }),
      }
    }),
  ).pipe(Layer.provide(Crypto.layerTest()))

/** Each caller owns the bytes it gets. */
const copyOf = (result: Result.Result<Uint8Array, OpenError>): Effect.Effect<Uint8Array, OpenError> =>
  Effect.map(Effect.fromResult(result), (bytes) => bytes.slice())

/** The bytes of all inputs as one key. */
const inputOf = (...parts: ReadonlyArray<Uint8Array>): string =>
  parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString("latin1")).join("")

const computeOnce = <A>(results: BoundedMap<string, A>, input: string, compute: () => A): A => {
  const known = results.get(input)
  if (known !== undefined) return known
  const result = compute()
  results.set(input, result)
  return result
}
