/** Prints the figures of a benchmark's program, and ends it. */
import { Cause, Effect, Exit } from "effect"

export const print = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Runs the program to its end. A failure is printed on standard error, with exit code 1. */
export const main = async (program: Effect.Effect<unknown, unknown>): Promise<never> => {
  const exit = await Effect.runPromiseExit(program)
  if (Exit.isFailure(exit)) console.error(Cause.pretty(exit.cause))
  process.exit(Exit.isSuccess(exit) ? 0 : 1)
}

/** The program's argument number `index` (from 0) as a number. */
export const numberAt = (index: number): number => Number(process.argv[2 + index])
