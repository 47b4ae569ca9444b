/** Keys and nodes for the tests of members-only topics. */
import { type CryptoService, initialSecretHash, SecretRotation, type SigningKey, TopicId } from "@topic-tracker/crypto"
import { EpochWindow, MembersKeys } from "@topic-tracker/crypto/members"
import { Effect, Redacted } from "effect"

export const MINUTE = 29_999_999
export const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A topic and the window of minutes of a node whose clock is at `minute`. */
export interface Member {
  readonly keys: MembersKeys
  readonly gossipTopic: Uint8Array
  readonly window: EpochWindow
  readonly setMinute: (minute: number) => Effect.Effect<void>
}

export const memberOf = (
  crypto: CryptoService,
  options: { readonly name?: string; readonly secret?: string; readonly minute?: number } = {},
): Effect.Effect<Member> =>
  Effect.gen(function* () {
    const topic = TopicId.fromName(options.name ?? "my topic")
    const secretHash = initialSecretHash(Redacted.make(options.secret ?? "our secret"))
    const keys = new MembersKeys(crypto, topic, secretHash)
    const rotation = yield* SecretRotation
    const window = new EpochWindow()
    const setMinute = (minute: number) =>
      Effect.gen(function* () {
        for (const epoch of window.setMinute(minute)) {
          const input = { topic, unixMinute: BigInt(epoch), initialSecretHash: secretHash }
          window.add(keys.epoch(epoch, yield* rotation.encryptionSeed(input)))
        }
      })
    yield* setMinute(options.minute ?? MINUTE)
    return { keys, gossipTopic: keys.gossipTopic.bytes, window, setMinute }
  }).pipe(Effect.provide(SecretRotation.layer()))

export const signingKeyOf = (crypto: CryptoService, fill: number): SigningKey =>
  crypto.signingKey(Redacted.make(filled(32, fill)))
