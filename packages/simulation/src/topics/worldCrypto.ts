/**
 * Cryptography for many nodes in one process: the real operations, each result worked out once. A thousand nodes read the
 * same slots, and all of them open and verify the same few records; what those operations answer depends on their input alone,
 * so the first node's answer is every node's. Sealing is never shared.
 */
import { Bytes } from "@topic-tracker/common"
import { Crypto, type OpenError, type SigningKey } from "@topic-tracker/crypto"
import { Effect, Layer, Redacted, type Result } from "effect"

/** How many results of each kind are kept: some minutes' worth of full slots. */
const remembered = 4_096

/** Crypto whose results all nodes share, with all chance from Effect's Random. Build it once a world. */
export const layer: Layer.Layer<Crypto> = Layer.effect(
  Crypto,
  Effect.map(Crypto, (crypto): Crypto["Service"] => {
    const keys = new Remembered<SigningKey>()
    const opened = new Remembered<Result.Result<Uint8Array, OpenError>>()
    const verified = new Remembered<boolean>()
    const strictlyVerified = new Remembered<boolean>()
    return {
      ...crypto,
      signingKey: (seed) => keys.get(Bytes.toHex(Redacted.value(seed)), () => crypto.signingKey(seed)),
      verify: (publicKey, message, signature) =>
        verified.get(nameOf(publicKey, signature, message), () => crypto.verify(publicKey, message, signature)),
      verifyStrict: (publicKey, message, signature) =>
        strictlyVerified.get(nameOf(publicKey, signature, message), () =>
          crypto.verifyStrict(publicKey, message, signature),
        ),
      open: (recipient, box) =>
        Effect.suspend(() => {
          const name = nameOf(Redacted.value(recipient.seed), box)
          const known = opened.peek(name)
          if (known !== undefined) return copied(known)
          return Effect.flatMap(Effect.result(crypto.open(recipient, box)), (result) => {
            opened.set(name, result)
            return copied(result)
          })
        }),
    }
  }),
).pipe(Layer.provide(Crypto.layerTest()))

/** What was opened belongs to whoever opened it. */
const copied = (result: Result.Result<Uint8Array, OpenError>): Effect.Effect<Uint8Array, OpenError> =>
  Effect.map(Effect.fromResult(result), (bytes) => bytes.slice())

const nameOf = (...parts: ReadonlyArray<Uint8Array>): string =>
  parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString("latin1")).join("")

/** The results kept longest give way. */
class Remembered<A> {
  private readonly results = new Map<string, A>()

  peek(name: string): A | undefined {
    return this.results.get(name)
  }

  set(name: string, result: A): void {
    if (this.results.size >= remembered) this.results.delete(this.results.keys().next().value!)
    this.results.set(name, result)
  }

  get(name: string, make: () => A): A {
    const known = this.peek(name)
    if (known !== undefined) return known
    const result = make()
    this.set(name, result)
    return result
  }
}
