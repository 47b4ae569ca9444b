/**
 * The parts that all vector checks share. A file of vectors is JSON with the inputs and results of another implementation; bytes
 * are lowercase hex. A check compares our results with them; it knows no file system and no command line.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { type Effect, Schema } from "effect"

/** The result of a check. */
export interface VectorReport {
  /** The number of cases that match in every field. */
  readonly passed: number
  /** One line for each case that does not match: the case, the fields, the expected values. */
  readonly failed: ReadonlyArray<string>
}

/** Checks all cases of one file, given as parsed JSON. Fails with a SchemaError if the JSON has another format. */
export type VectorCheck = (json: unknown) => Effect.Effect<VectorReport, Schema.SchemaError, Crypto>

/** Bytes in a file, kept as text. */
export const HexText = Schema.String.check(Schema.isPattern(/^([0-9a-f]{2})*$/, { expected: "lowercase hex" }))

/** The names of the checks that do not hold. */
export const failedChecks = (checks: Readonly<Record<string, boolean>>): ReadonlyArray<string> =>
  Object.entries(checks).flatMap(([name, holds]) => (holds ? [] : [name]))

/** Counts the cases of a file. `note` takes the names of a case's checks that do not hold. */
export const caseNotes = (file: string) => {
  const failed: Array<string> = []
  let cases = 0
  return {
    note: (name: string, wrong: ReadonlyArray<string>): void => {
      cases++
      if (wrong.length > 0) failed.push(`${file}, ${name}: ${wrong.join(", ")}`)
    },
    report: (): VectorReport => ({ passed: cases - failed.length, failed }),
  }
}

/**
 * Parses JSON. Integers above 2^53 − 1 become exact bigints instead of rounded numbers, on runtimes that give a reviver the
 * source text of a number (Node 21 and later). Throws a SyntaxError like `JSON.parse`.
 */
export const parseJson = (text: string): unknown => JSON.parse(text, exactInteger)

const exactInteger = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
    ? BigInt(context!.source!)
    : value
