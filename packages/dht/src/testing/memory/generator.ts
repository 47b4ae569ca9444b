/**
 * A small seeded generator of random numbers for simulations: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, 32
 * bits, from PractRand). Not for keys.
 */

export interface Generator {
  /** From 0 up to but not including 1. */
  readonly next: () => number
  readonly bytes: (length: number) => Uint8Array
}

/** A generator whose output depends only on the seed, an integer. */
export const makeGenerator = (seed: number): Generator => {
  let [a, b, c, counter] = [seed | 0, Math.trunc(seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1]
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  // As the author advises, the first outputs are dropped, so that the seed affects the whole state.
  for (let i = 0; i < 15; i++) word()
  return {
    next: () => word() / 2 ** 32,
    bytes: (length) => Uint8Array.from({ length }, () => word() & 0xff),
  }
}
