/** The state of one line: what the neighbour told last, when it is to be told and asked next, and how much it may ask. */
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import * as Limits from "./limits.ts"
import type { Root } from "./whispers.ts"

export interface Line {
  readonly peer: string
  heardAt: number
  isSilent: boolean
  digestAt: number
  /** The last digest of the neighbour. */
  root: Root | undefined
  count: number
  /** When to ask for its root again, or to begin an exchange. */
  compareAt: number
  isSure: boolean
  exchangeAfter: number
  backoffMs: number
  readonly answers: TokenBucket
  readonly questions: TokenBucket
}

/** A line that begins now, with its first digest after `digestMs`. */
export const makeLine = (peer: string, digestMs: number, now: number): Line => ({
  peer,
  heardAt: now,
  isSilent: false,
  digestAt: now + digestMs,
  root: undefined,
  count: 0,
  compareAt: Number.POSITIVE_INFINITY,
  isSure: false,
  exchangeAfter: now,
  backoffMs: Limits.FIRST_BACKOFF_MS,
  answers: new TokenBucket(Limits.ANSWER_BURST_BYTES, Limits.ANSWER_BYTES_PER_SECOND),
  questions: new TokenBucket(Limits.QUESTIONS_BURST, Limits.QUESTIONS_PER_SECOND),
})
