/**
 * The one hash of topics, keys and records: SHA-512 cut to 32 bytes.
 */
import { sha512 } from "@noble/hashes/sha2.js"

/** The first 32 bytes of the SHA-512 of the parts, one after the other. */
export const sha512Half = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = sha512.create()
  for (const part of parts) hash.update(part)
  return hash.digest().slice(0, 32)
}

/**
 * The 32 bytes by which records name a gossip message: SHA-512 of its content, cut to 32. It hashes the whole content, so
 * compute it when a record is made rather than for every message.
 */
export const messageHash = (content: Uint8Array): Uint8Array => sha512Half(content)
