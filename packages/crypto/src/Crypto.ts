/**
 * The cryptographic operations that records and DHT items need, as one service with two layers of identical bytes: a
 * portable one (noble and @hpke/core, any JavaScript runtime) and a native one (node:crypto, the default on Node).
 * It holds no keys and knows no record format.
 */
import { Context, type Effect, type Redacted, Schema } from "effect"

/** An Ed25519 key pair (RFC 8032). Made by {@link Crypto.signingKey}, so that a layer can keep what it prepared for it. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly seed: Redacted.Redacted<Uint8Array>
}

/** A box could not be made: the recipient's key is no usable point of the curve. */
export class SealError extends Schema.TaggedError<SealError>()("SealError", { message: Schema.String }) {}

/** A box could not be opened: malformed, altered, or sealed for another key. Says which, never any key material. */
export class OpenError extends Schema.TaggedError<OpenError>()("OpenError", { message: Schema.String }) {}

export class Crypto extends Context.Service<
  Crypto,
  {
    /** The Ed25519 key pair of a 32-byte seed. Throws a RangeError when it is not 32 bytes. */
    readonly signingKey: (seed: Redacted.Redacted<Uint8Array>) => SigningKey
    /** The 64-byte Ed25519 signature. */
    readonly sign: (key: SigningKey, message: Uint8Array) => Uint8Array
    /** Whether the signature holds (RFC 8032, canonical S, cofactorless). BEP 44 items use it. Never throws. */
    readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
    /** As {@link verify}, and refuses a small-order public key or R (ed25519-dalek `verify_strict`). Records use it. */
    readonly verifyStrict: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
    /**
     * An HPKE box (RFC 9180 base mode; layout of ed25519-dalek-hpke 0.0.5) for the holder of an Ed25519 public key:
     * 56 bytes longer than the plaintext.
     */
    readonly seal: (recipientPublicKey: Uint8Array, plaintext: Uint8Array) => Effect.Effect<Uint8Array, SealError>
    /** The plaintext of a box sealed for this key. */
    readonly open: (recipient: SigningKey, box: Uint8Array) => Effect.Effect<Uint8Array, OpenError>
    /** Bytes fit for keys: from the system's generator, or from Effect's Random in the deterministic test layer. */
    readonly randomBytes: (length: number) => Effect.Effect<Uint8Array>
  }
>()("@topic-tracker/crypto/Crypto") {}
