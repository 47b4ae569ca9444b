/**
 * The protocol's source of randomness, and a generator whose whole sequence follows from a seed. Not for secrets: the choice of
 * a peer needs a uniform distribution that can be repeated, not unpredictability.
 */

/**
 * A source of random integers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rng {
  /** An integer in 0 … bound − 1, each equally likely. `bound` is an integer in 1 … 2^32. */
  readonly nextInt: (bound: number) => number
}

/**
 * xoshiro128** 1.1 (David Blackman and Sebastiano Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 2021,
 * section 8; reference code prng.di.unimi.it/xoshiro128starstar.c): 128 bits of state, 32 bits a step, all in integer
 * operations that JavaScript computes exactly. SplitMix64 fills the state from the seed, as the authors recommend.
 *
 * @since 0.1.0
 * @category models
 */
export class Xoshiro128 implements Rng {
  private a = 0
  private b = 0
  private c = 0
  private d = 0

  /** `seed` is taken modulo 2^64, so that every u64 seed of a configuration file gives its own sequence. */
  constructor(seed: bigint | number) {
    const splitMix = splitMix64(BigInt(seed))
    const first = splitMix()
    const second = splitMix()
    this.a = Number(first & 0xffff_ffffn) | 0
    this.b = Number(first >> 32n) | 0
    this.c = Number(second & 0xffff_ffffn) | 0
    this.d = Number(second >> 32n) | 0
  }

  /** The generator with this state, which must not be all zeros. */
  static fromState(a: number, b: number, c: number, d: number): Xoshiro128 {
    const rng = new Xoshiro128(0)
    rng.a = a | 0
    rng.b = b | 0
    rng.c = c | 0
    rng.d = d | 0
    return rng
  }

  /** The next 32 bits, as an unsigned integer. */
  next(): number {
    const product = Math.imul(this.b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= shifted
    this.d = (this.d << 11) | (this.d >>> 21)
    return result >>> 0
  }

  nextInt(bound: number): number {
    // Values above the last whole multiple of `bound` are drawn again: small results would be more likely otherwise.
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound)
    let value = this.next()
    while (value >= limit) value = this.next()
    return value % bound
  }

  /** A new generator whose seed is the next 64 bits of this one. */
  fork(): Xoshiro128 {
    return new Xoshiro128((BigInt(this.next()) << 32n) | BigInt(this.next()))
  }
}

const MASK_64 = 0xffff_ffff_ffff_ffffn

/** SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, figure 14). */
const splitMix64 = (seed: bigint): (() => bigint) => {
  let state = seed & MASK_64
  return () => {
    state = (state + 0x9e37_79b9_7f4a_7c15n) & MASK_64
    let z = state
    z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK_64
    z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK_64
    return z ^ (z >> 31n)
  }
}
