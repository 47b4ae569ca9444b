/**
 * node:crypto, obtained at run time instead of by an import: a bundle for browsers then has nothing to resolve, and the
 * module graph stays the same everywhere.
 */
import type * as NodeCrypto from "node:crypto"

export type NodeCryptoModule = typeof NodeCrypto

/** node:crypto on runtimes that have it (Node 22.3, Bun, Deno), else undefined. */
export const nodeCrypto = (): NodeCryptoModule | undefined =>
  typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:crypto")
