/**
 * HPKE base mode for the one suite that boxes use, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, built
 * from the primitives of node:crypto. One message per context, so the sequence number is always 0 and the nonce is base_nonce.
 * Names are those of RFC 9180, sections 4.1 and 5.1.
 */
import type { KeyObject } from "node:crypto"
import { concat } from "@topic-tracker/common/Bytes"
import type { NodeCryptoModule } from "../platform.ts"
import type { Aead } from "./aead.ts"
import type { Keys } from "./keys.ts"

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** 32 bytes. */
  readonly publicBytes: Uint8Array
}

export interface Hpke {
  /** DeriveKeyPair (7.1.3) of at least 32 bytes of input key material. */
  readonly deriveKeyPair: (ikm: Uint8Array) => KeyPair
  /** Writes ciphertext and tag into `out`, 16 bytes longer than the plaintext. Throws if the shared secret is zero. */
  readonly seal: (
    ephemeral: KeyPair,
    recipient: Pick<KeyPair, "publicKey" | "publicBytes">,
    plaintext: Uint8Array,
    out: Uint8Array,
  ) => void
  /** The plaintext of ciphertext and tag. Throws if the tag does not match. */
  readonly open: (recipient: KeyPair, enc: Uint8Array, ciphertext: Uint8Array) => Uint8Array
}

/** The X25519 key pair of 32 private bytes. */
export const keyPair = (node: NodeCryptoModule, keys: Keys, scalar: Uint8Array): KeyPair => {
  const privateKey = keys.privateKey("x25519", scalar)
  const publicKey = node.createPublicKey(privateKey)
  return { privateKey, publicKey, publicBytes: keys.publicBytes(publicKey) }
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

const EMPTY = new Uint8Array(0)
const VERSION = ascii("HPKE-v1")
/** "KEM" and the KEM's id, 0x0020. */
const KEM_SUITE = concat(ascii("KEM"), Uint8Array.of(0x00, 0x20))
/** "HPKE" and the ids of KEM (0x0020), KDF (0x0001) and AEAD (0x0003). */
const HPKE_SUITE = concat(ascii("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03))
/** The block and the digest of SHA-256, in bytes. */
const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

/** The functions of the suite for one `info` and `aad`. The parts that depend on them alone are computed here, once. */
export const make = (node: NodeCryptoModule, keys: Keys, aead: Aead, info: Uint8Array, aad: Uint8Array): Hpke => {
  // Two one-shot hashes: createHmac costs several times as much for inputs of this size. They return binary strings, one
  // character per byte, since each Buffer that crosses from native code costs more than the hash. Keys are at most one block.
  const hmac = (key: Uint8Array, ...message: ReadonlyArray<Uint8Array>): Uint8Array => {
    let length = BLOCK_BYTES
    for (const part of message) length += part.length
    const inner = Buffer.allocUnsafe(length)
    const outer = Buffer.allocUnsafe(BLOCK_BYTES + DIGEST_BYTES)
    inner.fill(0x36, 0, BLOCK_BYTES)
    outer.fill(0x5c, 0, BLOCK_BYTES)
    for (let i = 0; i < key.length; i++) {
      inner[i]! ^= key[i]!
      outer[i]! ^= key[i]!
    }
    let offset = BLOCK_BYTES
    for (const part of message) {
      inner.set(part, offset)
      offset += part.length
    }
    outer.write(node.hash("sha256", inner, "binary"), BLOCK_BYTES, "binary")
    return Buffer.from(node.hash("sha256", outer, "binary"), "binary")
  }

  const labelled = (suite: Uint8Array, label: string) => concat(VERSION, suite, ascii(label))
  // HKDF-Expand of at most one hash: T(1) = HMAC(prk, labeled info, 0x01). The length and the label come first.
  const expandLabel = (suite: Uint8Array, label: string, length: number) =>
    concat(Uint8Array.of(0, length), labelled(suite, label))
  const one = Uint8Array.of(1)

  const eaePrk = labelled(KEM_SUITE, "eae_prk")
  const dkpPrk = labelled(KEM_SUITE, "dkp_prk")
  const sk = concat(expandLabel(KEM_SUITE, "sk", 32), one)
  const sharedSecretLabel = expandLabel(KEM_SUITE, "shared_secret", 32)
  const secretLabel = labelled(HPKE_SUITE, "secret")
  const context = concat(
    Uint8Array.of(0),
    hmac(EMPTY, labelled(HPKE_SUITE, "psk_id_hash")),
    hmac(EMPTY, labelled(HPKE_SUITE, "info_hash"), info),
  )
  const keyInfo = concat(expandLabel(HPKE_SUITE, "key", 32), context, one)
  const nonceInfo = concat(expandLabel(HPKE_SUITE, "base_nonce", 12), context, one)

  /** ExtractAndExpand, then KeySchedule in base mode. */
  const schedule = (dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array) => {
    const sharedSecret = hmac(hmac(EMPTY, eaePrk, dh), sharedSecretLabel, enc, recipient, one)
    const secret = hmac(sharedSecret, secretLabel)
    return { key: hmac(secret, keyInfo), nonce: hmac(secret, nonceInfo).subarray(0, 12) }
  }

  return {
    deriveKeyPair: (ikm) => keyPair(node, keys, hmac(hmac(EMPTY, dkpPrk, ikm), sk)),
    seal: (ephemeral, recipient, plaintext, out) => {
      const dh = node.diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient.publicKey })
      const { key, nonce } = schedule(dh, ephemeral.publicBytes, recipient.publicBytes)
      aead.seal(key, nonce, aad, plaintext, out)
    },
    open: (recipient, enc, ciphertext) => {
      const dh = node.diffieHellman({
        privateKey: recipient.privateKey,
        publicKey: keys.publicKey("x25519", enc),
      })
      const { key, nonce } = schedule(dh, enc, recipient.publicBytes)
      return aead.open(key, nonce, aad, ciphertext)
    },
  }
}
