/** The shape of an attack and of its figures. An attack lives in a scope: when the scope closes, its processes and sockets are gone. */
import { Effect, Schema, type Scope } from "effect"

/** An attack could not be run: that is not a pass. */
export class AttackFailed extends Schema.TaggedError<AttackFailed>()("AttackFailed", { message: Schema.String }) {}

/** One figure of an attack, and what it may be. */
export interface Figure {
  /** At most 16 characters, so that the table fits 60 columns. Empty if the attack has one figure. */
  readonly what: string
  /** Undefined: not measured. */
  readonly value: number | undefined
  readonly unit: string
  readonly limit: number
  /** Whether the value must not be above the limit, or not below it. */
  readonly bound: "at most" | "at least"
}

/** How much of each attack is run. */
export interface Scale {
  /** The short form: all attacks together in some two minutes. */
  readonly isShort: boolean
  /** The given number in the full form, the second in the short one. */
  readonly pick: (full: number, short: number) => number
  /** The same for the time in which members are heard, in ms: `--minutes` takes the place of both. */
  readonly listenMs: (full: number, short: number) => number
}

/** `minutes`: for which members are heard, if not as long as the form says. */
export const scaleOf = (isShort: boolean, minutes?: number): Scale => {
  const pick = (full: number, short: number) => (isShort ? short : full)
  return { isShort, pick, listenMs: (full, short) => (minutes === undefined ? pick(full, short) : minutes * 60_000) }
}

export interface Attack {
  /** At most 16 characters. */
  readonly name: string
  /** What the attacker does, in one line. */
  readonly about: string
  /** Whether it needs public addresses, so a network namespace. */
  readonly needsNamespace?: true
  /** Left out of the short form. */
  readonly fullOnly?: true
  readonly run: (scale: Scale) => Effect.Effect<ReadonlyArray<Figure>, AttackFailed, Scope.Scope>
}

export const atMost = (what: string, value: number | undefined, unit: string, limit: number): Figure => ({
  what,
  value,
  unit,
  limit,
  bound: "at most",
})

export const atLeast = (what: string, value: number | undefined, unit: string, limit: number): Figure => ({
  what,
  value,
  unit,
  limit,
  bound: "at least",
})

/** A figure that was not measured does not hold. */
export const holds = ({ bound, limit, value }: Figure): boolean =>
  value !== undefined && (bound === "at most" ? value <= limit : value >= limit)

/** Runs a promise of an attacker; a rejection fails the attack. */
export const attempt = <A>(what: string, run: () => Promise<A>): Effect.Effect<A, AttackFailed> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new AttackFailed({ message: `${what}: ${cause instanceof Error ? cause.message : cause}` }),
  })
