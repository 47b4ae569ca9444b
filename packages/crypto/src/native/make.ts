/**
 * The operations of the native layer: Ed25519 and the HPKE box on node:crypto. OpenSSL's Ed25519 verification is cofactorless,
 * checks that S is canonical and reads points as dalek does. Only its verdict on points of small order depends on the version
 * of Node, so the portable arithmetic verifies those rare signatures.
 */
import type { KeyObject } from "node:crypto"
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { Effect, Redacted, Result } from "effect"
import * as Box from "../box.ts"
import { type CryptoService, type OpenError, type SigningKey, seedBytes } from "../CryptoService.ts"
import { clampedScalar, isSmallOrder, toX25519PublicKey } from "../edwards.ts"
import type { NodeCryptoModule, RandomSource } from "../platform.ts"
import { verify as verifyPortably } from "../portable/verify.ts"
import type { Aead } from "./aead.ts"
import * as Hpke from "./hpke.ts"
import type { Keys } from "./keys.ts"

/** The number of parsed Ed25519 public keys that are cached: a busy process verifies the same nodes and minutes repeatedly. */
const PUBLIC_KEY_CACHE_SIZE = 256

export const make = (node: NodeCryptoModule, keys: Keys, aead: Aead, random: RandomSource): CryptoService => {
  const hpke = Hpke.make(node, keys, aead, Box.INFO, Box.AAD)

  /** Keeps prepared forms in private fields, which no inspection shows. */
  class NativeSigningKey implements SigningKey {
    readonly seed: Redacted.Redacted<Uint8Array>
    #privateKey: KeyObject | undefined
    #publicKey: Uint8Array | undefined
    #x25519: Hpke.KeyPair | undefined

    constructor(seed: Redacted.Redacted<Uint8Array>) {
      seedBytes(seed)
      this.seed = seed
    }

    get privateKey(): KeyObject {
      this.#privateKey ??= keys.privateKey("ed25519", Redacted.value(this.seed))
      return this.#privateKey
    }

    get publicKey(): Uint8Array {
      this.#publicKey ??= keys.publicBytes(node.createPublicKey(this.privateKey))
      return this.#publicKey
    }

    get x25519(): Hpke.KeyPair {
      this.#x25519 ??= Hpke.keyPair(node, keys, clampedScalar(node.hash("sha512", Redacted.value(this.seed), "buffer")))
      return this.#x25519
    }
  }

  const prepared = (key: SigningKey): NativeSigningKey =>
    key instanceof NativeSigningKey ? key : new NativeSigningKey(key.seed)

  const publicKeys = new BoundedMap<string, KeyObject>(PUBLIC_KEY_CACHE_SIZE)

  const parsedPublicKey = (bytes: Uint8Array): KeyObject => {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
    let key = publicKeys.get(name)
    if (key === undefined) {
      key = keys.publicKey("ed25519", bytes)
      publicKeys.set(name, key)
    }
    return key
  }

  const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    if (publicKey.length !== 32 || signature.length !== 64) return false
    if (isSmallOrder(publicKey) || isSmallOrder(signature)) return verifyPortably(publicKey, message, signature)
    return verifyNatively(publicKey, message, signature)
  }

  const verifyNatively = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    try {
      return node.verify(null, message, parsedPublicKey(publicKey), signature)
    } catch {
      return false
    }
  }

  const ephemeral: Effect.Effect<Hpke.KeyPair> = random.isSystem
    ? Effect.sync(() => {
        const { privateKey, publicKey } = node.generateKeyPairSync("x25519")
        return { privateKey, publicKey, publicBytes: keys.publicBytes(publicKey) }
      })
    : Effect.map(random.bytes(32), hpke.deriveKeyPair)

  const recipientOf = (
    recipient: SigningKey | Uint8Array,
  ): Pick<Hpke.KeyPair, "publicKey" | "publicBytes"> | undefined => {
    if (!(recipient instanceof Uint8Array)) return prepared(recipient).x25519
    const publicBytes = toX25519PublicKey(recipient)
    return publicBytes && { publicBytes, publicKey: keys.publicKey("x25519", publicBytes) }
  }

  return {
    signingKey: (seed) => new NativeSigningKey(seed),
    sign: (key, message) => plain(node.sign(null, message, prepared(key).privateKey)),
    verify,
    verifyStrict: (publicKey, message, signature) =>
      publicKey.length === 32 &&
      signature.length === 64 &&
      !isSmallOrder(publicKey) &&
      !isSmallOrder(signature) &&
      verifyNatively(publicKey, message, signature),
    seal: (recipient, plaintext) =>
      Effect.flatMap(ephemeral, (keyPair) => {
        const to = recipientOf(recipient)
        if (to === undefined) return Effect.fail(Box.notAPoint())
        const { box, ciphertext, enc } = Box.allocate(plaintext.length)
        enc.set(keyPair.publicBytes)
        try {
          hpke.seal(keyPair, to, plaintext, ciphertext)
        } catch {
          return Effect.fail(Box.smallOrderRecipient())
        }
        return Effect.succeed(box)
      }),
    open: (recipient, box) =>
      Effect.suspend((): Effect.Effect<Uint8Array, OpenError> => {
        const parts = Box.parse(box)
        if (Result.isFailure(parts)) return Effect.fail(parts.failure)
        const key = prepared(recipient).x25519
        try {
          return Effect.succeed(plain(hpke.open(key, parts.success.enc, parts.success.ciphertext)))
        } catch {
          return Effect.fail(Box.notOpened())
        }
      }),
    hmacSha256: (key, message) => plain(node.createHmac("sha256", key).update(message).digest()),
    aeadSeal: (key, nonce, aad, plaintext) => {
      const sealed = new Uint8Array(plaintext.length + Box.TAG_BYTES)
      aead.seal(key, nonce, aad, plaintext, sealed)
      return sealed
    },
    aeadOpen: (key, nonce, aad, ciphertext) => {
      if (ciphertext.length < Box.TAG_BYTES) return undefined
      try {
        return plain(aead.open(key, nonce, aad, ciphertext))
      } catch {
        return undefined
      }
    },
    randomBytes: random.bytes,
  }
}

/** The same bytes as a plain Uint8Array: the `slice` of a Buffer shares memory, that of a Uint8Array copies. */
const plain = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
