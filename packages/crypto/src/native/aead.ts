/**
 * ChaCha20-Poly1305 (RFC 8439) for one message per key. The runtime's own cipher where node:crypto has it; @noble/ciphers elsewhere,
 * for example on Bun, whose node:crypto has X25519 and Ed25519 but not this cipher.
 */
import type { NodeCryptoModule } from "../platform.ts"

/** The AEAD of the HPKE suite. Keys have 32 bytes, nonces 12; the ciphertext is 16 bytes longer than the plaintext. */
export interface Aead {
  /** Writes ciphertext and tag into `out`. */
  readonly seal: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array) => void
  /** The plaintext. Throws if the tag does not match. */
  readonly open: (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array) => Uint8Array
}

const CIPHER = "chacha20-poly1305"
const TAG_BYTES = 16

/** Whether this node:crypto has the cipher. */
export const hasCipher = (node: NodeCryptoModule): boolean => node.getCiphers().includes(CIPHER)

/** The cipher of node:crypto. */
export const nativeAead = (node: NodeCryptoModule): Aead => {
  const options = { authTagLength: TAG_BYTES }
  // A KeyObject: node:crypto accepts it without first testing its kind, see keys.ts.
  return {
    seal: (key, nonce, aad, plaintext, out) => {
      const cipher = node.createCipheriv(CIPHER, node.createSecretKey(key), nonce, options)
      cipher.setAAD(aad, { plaintextLength: plaintext.length })
      out.set(cipher.update(plaintext))
      cipher.final()
      out.set(cipher.getAuthTag(), plaintext.length)
    },
    open: (key, nonce, aad, ciphertext) => {
      const length = ciphertext.length - TAG_BYTES
      const decipher = node.createDecipheriv(CIPHER, node.createSecretKey(key), nonce, options)
      decipher.setAAD(aad, { plaintextLength: length })
      decipher.setAuthTag(ciphertext.subarray(length))
      const plaintext = decipher.update(ciphertext.subarray(0, length))
      decipher.final()
      return plaintext
    },
  }
}

/** The cipher of @noble/ciphers, loaded on first use: a runtime whose node:crypto has the cipher does not need it. */
export const nobleAead = async (): Promise<Aead> => {
  const { chacha20poly1305 } = await import("@noble/ciphers/chacha.js")
  return {
    seal: (key, nonce, aad, plaintext, out) => {
      out.set(chacha20poly1305(key, nonce, aad).encrypt(plaintext))
    },
    open: (key, nonce, aad, ciphertext) => chacha20poly1305(key, nonce, aad).decrypt(ciphertext),
  }
}
