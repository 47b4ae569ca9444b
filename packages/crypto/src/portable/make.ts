/**
 * The operations of the portable layer: Ed25519 on noble, the HPKE box on @hpke/core over the platform's WebCrypto (X25519 and
 * HKDF) with @hpke/chacha20poly1305. Runs wherever WebCrypto has X25519: Node, Deno, Bun, current browsers.
 */
// Types only: @types/node declares the types of WebCrypto in node:crypto.
import type { webcrypto } from "node:crypto"
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305"
import { CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core"
import { chacha20poly1305 } from "@noble/ciphers/chacha.js"
import { ed25519, x25519 } from "@noble/curves/ed25519.js"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256, sha512 } from "@noble/hashes/sha2.js"
import { Effect, Redacted } from "effect"
import * as Box from "../box.ts"
import { type CryptoService, type OpenError, type SealError, type SigningKey, seedBytes } from "../CryptoService.ts"
import { clampedScalar, isSmallOrder, toX25519PublicKey } from "../edwards.ts"
import type { RandomSource } from "../platform.ts"
import { verify } from "./verify.ts"

/** Keeps prepared forms in private fields, which no inspection shows. */
class PortableSigningKey implements SigningKey {
  readonly seed: Redacted.Redacted<Uint8Array>
  #publicKey: Uint8Array | undefined
  #x25519: Promise<webcrypto.CryptoKeyPair> | undefined

  constructor(seed: Redacted.Redacted<Uint8Array>) {
    seedBytes(seed)
    this.seed = seed
  }

  get publicKey(): Uint8Array {
    this.#publicKey ??= ed25519.getPublicKey(Redacted.value(this.seed))
    return this.#publicKey
  }

  /** The X25519 form as WebCrypto keys. */
  x25519(suite: CipherSuite): Promise<webcrypto.CryptoKeyPair> {
    this.#x25519 ??= importKeyPair(suite, clampedScalar(sha512(Redacted.value(this.seed))))
    return this.#x25519
  }
}

const importKeyPair = async (suite: CipherSuite, scalar: Uint8Array): Promise<webcrypto.CryptoKeyPair> => ({
  privateKey: await suite.kem.importKey("raw", arrayBuffer(scalar), false),
  publicKey: await suite.kem.importKey("raw", arrayBuffer(x25519.getPublicKey(scalar)), true),
})

const prepared = (key: SigningKey): PortableSigningKey =>
  key instanceof PortableSigningKey ? key : new PortableSigningKey(key.seed)

/** DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305: the suite of every box. */
export const makeSuite = (): CipherSuite =>
  new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() })

export const make = (random: RandomSource): CryptoService => {
  const suite = makeSuite()

  // With an ekm, the ephemeral key comes from DeriveKeyPair (RFC 9180, 7.1.3); without one, the platform generates it.
  const ephemeral: Effect.Effect<{ readonly ekm?: Uint8Array }> = random.isSystem
    ? Effect.succeed({})
    : Effect.map(random.bytes(32), (ekm) => ({ ekm }))

  const recipientOf = (recipient: SigningKey | Uint8Array): Effect.Effect<webcrypto.CryptoKey, SealError> => {
    if (!(recipient instanceof Uint8Array)) {
      return Effect.promise(async () => (await prepared(recipient).x25519(suite)).publicKey)
    }
    const converted = toX25519PublicKey(recipient)
    if (converted === undefined) return Effect.fail(Box.notAPoint())
    return Effect.promise(() => suite.kem.importKey("raw", arrayBuffer(converted), true))
  }

  return {
    signingKey: (seed) => new PortableSigningKey(seed),
    sign: (key, message) => ed25519.sign(message, seedBytes(key.seed)),
    verify,
    verifyStrict: (publicKey, message, signature) =>
      publicKey.length === 32 &&
      signature.length === 64 &&
      !isSmallOrder(publicKey) &&
      !isSmallOrder(signature) &&
      verify(publicKey, message, signature),
    seal: Effect.fnUntraced(function* (recipient, plaintext): Effect.fn.Return<Uint8Array, SealError> {
      const keyMaterial = yield* ephemeral
      const recipientPublicKey = yield* recipientOf(recipient)
      const sealed = yield* Effect.tryPromise({
        try: () => suite.seal({ recipientPublicKey, info: Box.INFO, ...keyMaterial }, plaintext, Box.AAD),
        catch: Box.smallOrderRecipient,
      })
      const { box, enc, ciphertext } = Box.allocate(plaintext.length)
      enc.set(new Uint8Array(sealed.enc))
      ciphertext.set(new Uint8Array(sealed.ct))
      return box
    }),
    open: Effect.fnUntraced(function* (recipient, box): Effect.fn.Return<Uint8Array, OpenError> {
      const { enc, ciphertext } = yield* Effect.fromResult(Box.parse(box))
      const recipientKey = yield* Effect.promise(() => prepared(recipient).x25519(suite))
      const plaintext = yield* Effect.tryPromise({
        try: () => suite.open({ recipientKey, enc, info: Box.INFO }, ciphertext, Box.AAD),
        catch: Box.notOpened,
      })
      return new Uint8Array(plaintext)
    }),
    hmacSha256: (key, message) => hmac(sha256, key, message),
    aeadSeal: (key, nonce, aad, plaintext) => chacha20poly1305(key, nonce, aad).encrypt(plaintext),
    aeadOpen: (key, nonce, aad, ciphertext) => {
      try {
        return chacha20poly1305(key, nonce, aad).decrypt(ciphertext)
      } catch {
        return undefined
      }
    },
    randomBytes: random.bytes,
  }
}

const arrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
