/** Random 32-bit numbers for transaction ids: many, cheap, and not to be guessed. */
import { randomBytes } from "node:crypto"

let pool = Buffer.alloc(0)
let used = 0

/** A number from 0 to 2^32 - 1, from a pool of random bytes: one system call for a thousand of them. */
export const randomUint32 = (): number => {
  if (used + 4 > pool.length) {
    pool = randomBytes(4096)
    used = 0
  }
  used += 4
  return pool.readUInt32BE(used - 4)
}
