/**
 * Converts 32-byte keys to and from node:crypto's KeyObjects. Imports dominate the cost of small operations, so this uses the
 * cheapest form that the running Node has: raw keys if available, else DER with a fixed header (RFC 8410).
 */
import type { KeyObject } from "node:crypto"
import { concat, fromHex } from "@topic-tracker/common/Bytes"
import type { NodeCryptoModule } from "../platform.ts"

export type Curve = "ed25519" | "x25519"

export interface Keys {
  /** The private key of a 32-byte Ed25519 seed or X25519 scalar. */
  readonly privateKey: (curve: Curve, bytes: Uint8Array) => KeyObject
  /** The public key of 32 bytes. Throws if node:crypto refuses them. */
  readonly publicKey: (curve: Curve, bytes: Uint8Array) => KeyObject
  /** The 32 bytes of a public key. */
  readonly publicBytes: (key: KeyObject) => Uint8Array
}

const PKCS8_HEADER = {
  ed25519: fromHex("302e020100300506032b657004220420"),
  x25519: fromHex("302e020100300506032b656e04220420"),
}

const SPKI_HEADER = {
  ed25519: fromHex("302a300506032b6570032100"),
  x25519: fromHex("302a300506032b656e032100"),
}

/** Keys as DER: every Node supports it. */
export const derKeys = (node: NodeCryptoModule): Keys => ({
  privateKey: (curve, bytes) =>
    withoutStackTraces(() =>
      node.createPrivateKey({ key: Buffer.from(concat(PKCS8_HEADER[curve], bytes)), format: "der", type: "pkcs8" }),
    ),
  publicKey: (curve, bytes) =>
    withoutStackTraces(() =>
      node.createPublicKey({ key: Buffer.from(concat(SPKI_HEADER[curve], bytes)), format: "der", type: "spki" }),
    ),
  // JWK, since exporting DER costs about twenty times as much.
  publicBytes: (key) => new Uint8Array(Buffer.from(key.export({ format: "jwk" }).x!, "base64url")),
})

/** Keys as raw bytes: Node 24.16 and later. */
export const rawKeys = (node: NodeCryptoModule): Keys => ({
  privateKey: (curve, bytes) =>
    withoutStackTraces(() =>
      node.createPrivateKey({ key: asBuffer(bytes), format: "raw-private", asymmetricKeyType: curve }),
    ),
  publicKey: (curve, bytes) =>
    withoutStackTraces(() =>
      node.createPublicKey({ key: asBuffer(bytes), format: "raw-public", asymmetricKeyType: curve }),
    ),
  publicBytes: (key) => new Uint8Array(key.export({ format: "raw-public" })),
})

/** The cheapest form that this Node has. The test takes 0.1 ms and runs once per process, not once per node. */
export const bestKeys = (node: NodeCryptoModule): Keys => {
  let best = bestKeysOf.get(node)
  if (best === undefined) {
    best = hasRawKeys(node) ? rawKeys(node) : derKeys(node)
    bestKeysOf.set(node, best)
  }
  return best
}

const bestKeysOf = new WeakMap<NodeCryptoModule, Keys>()

const hasRawKeys = (node: NodeCryptoModule): boolean => {
  try {
    rawKeys(node).publicKey("x25519", new Uint8Array(32).fill(9))
    return true
  } catch {
    return false
  }
}

/** The same memory as a Buffer, which the types of raw keys require. */
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/**
 * Runs a synchronous import. Node 24 determines the kind of a key by throwing and catching errors inside, up to four times per
 * import. Without a stack trace to record, each costs a third. The limit is not changed where it is read-only
 * (`node --frozen-intrinsics`).
 */
const withoutStackTraces = <A>(run: () => A): A => {
  if (!isStackTraceLimitWritable) return run()
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = limit
  }
}

const isStackTraceLimitWritable = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit")?.writable === true
