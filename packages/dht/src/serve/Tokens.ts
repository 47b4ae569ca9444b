/**
 * The write tokens of BEP 5: a node that got one from us has shown that it receives packets at its address, so a put from a
 * forged address is refused. A token is a hash of host, secret and five-minute period, valid in its period and the next; nothing
 * is stored for it.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { Bytes } from "@topic-tracker/common"

/** BEP 5: the secret changes every five minutes, and tokens up to ten minutes old are accepted. */
const PERIOD_MS = 5 * 60_000

const TOKEN_BYTES = 8

export class Tokens {
  readonly #secret: Uint8Array

  /** The secret: 32 random bytes. */
  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** The token for a host at this time (ms): 8 bytes. */
  issue(host: string, now: number): Uint8Array {
    return this.#token(host, Math.floor(now / PERIOD_MS))
  }

  /** Whether the token was issued to this host in this period or the one before. */
  accepts(token: Uint8Array, host: string, now: number): boolean {
    const current = Math.floor(now / PERIOD_MS)
    return Bytes.equals(token, this.#token(host, current)) || Bytes.equals(token, this.#token(host, current - 1))
  }

  #token(host: string, index: number): Uint8Array {
    const input = new TextEncoder().encode(`${index}/${host}`)
    return sha256(Bytes.concat(this.#secret, input)).slice(0, TOKEN_BYTES)
  }
}
