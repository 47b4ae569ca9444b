import { sha256 } from "@noble/hashes/sha2.js"
import { concat } from "@topic-tracker/common/Bytes"

const LABEL = new TextEncoder().encode("tt invite 1")

/**
 * The 4 bytes that an invitation ends with: of SHA-256 of the label and all bytes before. They find errors of typing, no forgery.
 *
 * @since 0.1.0
 * @category operations
 */
export const inviteChecksum = (bytes: Uint8Array): Uint8Array => sha256(concat(LABEL, bytes)).slice(0, 4)
