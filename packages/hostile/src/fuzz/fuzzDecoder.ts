/**
 * Fuzzes one decoder: valid inputs from random values, and mutants of all inputs so far that did something new. A finding is an exception, an
 * input that takes longer than 50 ms, a valid input that is refused, a round trip that changes the value, or an input that was changed.
 */
import { Protocol } from "@topic-tracker/gossip"
import type { Decoded, Decoder } from "./Decoder.ts"
import { MAX_INPUT_BYTES, mutate, pick, randomBytes } from "./mutate.ts"

const HANG_MS = 50

/** A slow input is decoded again: a busy machine is not a finding. */
const TIMES_AGAIN = 8

/** Inputs kept for mutation. */
const POOL = 2_000

/** Valid inputs kept for mutation. */
const VALID = 200

/** A decoder with so many findings needs no more. */
const MAX_FINDINGS = 5

export interface Finding {
  readonly decoder: string
  readonly what: string
  /** The input in hex. */
  readonly input: string
}

export interface FuzzResult {
  readonly decoder: string
  readonly cases: number
  readonly values: number
  readonly refused: number
  /** Different things that inputs did. */
  readonly kinds: number
  readonly slowestMs: number
  readonly seconds: number
  readonly findings: ReadonlyArray<Finding>
  /** Inputs beyond the corpus that did something new. */
  readonly interesting: ReadonlyArray<Uint8Array>
}

export interface FuzzOptions {
  readonly cases: number
  readonly seed: number
  readonly corpus: ReadonlyArray<Uint8Array>
}

export const fuzzDecoder = (decoder: Decoder, { cases: all, corpus, seed }: FuzzOptions): FuzzResult => {
  const rng = new Protocol.Xoshiro128(BigInt(seed) * 1_000_003n + BigInt(hash(decoder.name)))
  const cases = Math.max(1, Math.round(all * (decoder.part ?? 1)))
  const pool: Array<Uint8Array> = []
  const kinds = new Set<string>()
  const findings: Array<Finding> = []
  const interesting: Array<Uint8Array> = []
  let values = 0
  let slowestMs = 0
  const begun = performance.now()

  const find = (what: string, input: Uint8Array): void => {
    findings.push({ decoder: decoder.name, what, input: Buffer.from(input).toString("hex") })
  }

  const timed = (input: Uint8Array): number => {
    const start = performance.now()
    decoder.decode(input)
    return performance.now() - start
  }

  const run = (input: Uint8Array, isValid: boolean, isKnown: boolean): void => {
    const before = checksum(input)
    const start = performance.now()
    let decoded: Decoded
    try {
      decoded = decoder.decode(input)
      const ms = performance.now() - start
      const wrong =
        decoded._tag === "value" ? decoded.again?.() : isValid ? `valid input refused: ${decoded.kind}` : undefined
      if (wrong !== undefined) find(wrong, input)
      if (ms > HANG_MS) {
        const least = Math.min(ms, ...Array.from({ length: TIMES_AGAIN }, () => timed(input)))
        if (least > HANG_MS) find(`takes ${least.toFixed(0)} ms`, input)
      }
      slowestMs = Math.max(slowestMs, ms > HANG_MS ? timed(input) : ms)
    } catch (error) {
      find(`throws ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`, input)
      return
    }
    if (checksum(input) !== before) find("changes its input", input)
    if (decoded._tag === "value") values++
    const kind = `${decoded._tag} ${decoded.kind}`
    if (kinds.has(kind)) return
    kinds.add(kind)
    if (!isKnown) interesting.push(input)
    if (pool.length < POOL) pool.push(input)
    else pool[rng.nextInt(POOL)] = input
  }

  for (const input of corpus) run(input, false, true)
  /** Making a valid input costs more than decoding it, so the last ones are mutated again and again. */
  const valid: Array<Uint8Array> = []
  let done = 0
  for (; done < cases && findings.length < MAX_FINDINGS; done++) {
    const choice = rng.nextInt(16)
    if (choice === 0 || pool.length === 0) {
      const input = decoder.generate(rng)
      valid[rng.nextInt(VALID)] = input
      run(input, true, true)
    } else if (choice === 1)
      run(randomBytes(rng, rng.nextInt(1 << rng.nextInt(13))).subarray(0, MAX_INPUT_BYTES), false, false)
    else {
      const source = (choice < 6 ? valid[rng.nextInt(VALID)] : undefined) ?? pick(rng, pool)
      const mutant = mutate(rng, source, pick(rng, pool))
      run(decoder.repair !== undefined && choice % 2 === 0 ? decoder.repair(mutant) : mutant, false, false)
    }
  }
  return {
    decoder: decoder.name,
    cases: done + corpus.length,
    values,
    refused: done + corpus.length - values,
    kinds: kinds.size,
    slowestMs,
    seconds: (performance.now() - begun) / 1_000,
    findings,
    interesting,
  }
}

/** FNV-1a. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value
}

/** Enough to notice a change: a decoder that writes into its input writes somewhere. */
const checksum = (bytes: Uint8Array): number => {
  let value = bytes.length
  for (let i = 0; i < bytes.length; i++) value = (Math.imul(value, 31) + bytes[i]!) | 0
  return value
}
