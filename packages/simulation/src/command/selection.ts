/** Functions that the parts of `sim` share: choosing scenarios, writing files, and the command line that repeats a run. */
import { writeFile } from "node:fs/promises"
import { UsageError } from "@topic-tracker/cli-kit"
import { Effect, Option } from "effect"

/** The scenarios whose name contains the text of `--filter`. Fails if there are none. */
export const withNameContaining = <A>(
  scenarios: ReadonlyArray<A>,
  nameOf: (scenario: A) => string,
  filter: Option.Option<string>,
): Effect.Effect<ReadonlyArray<A>, UsageError> => {
  const wanted = Option.getOrElse(filter, () => "")
  const chosen = scenarios.filter((scenario) => nameOf(scenario).includes(wanted))
  if (chosen.length > 0) return Effect.succeed(chosen)
  const names = scenarios.map(nameOf).join(", ")
  return Effect.fail(new UsageError({ message: `--filter: "${wanted}" is in no scenario's name; there are ${names}` }))
}

/** The line that shows how to repeat one run. */
export const repeatHint = (run: {
  readonly config: string
  readonly filter: string
  readonly seed: number | bigint
  readonly sockets?: boolean
}): string => {
  const filter = /^[\w.-]+$/.test(run.filter) ? run.filter : `'${run.filter}'`
  const sockets = run.sockets === true ? " --sockets" : ""
  return `repeat: npm run -s sim -- --config ${run.config}${sockets} --filter ${filter} --seed ${run.seed}`
}

/** Writes the file that an option names. */
export const writeOutput = (option: string, file: string, text: string): Effect.Effect<void, UsageError> =>
  Effect.tryPromise({
    try: () => writeFile(file, text),
    catch: (cause) => new UsageError({ message: `${option}: ${cause instanceof Error ? cause.message : cause}` }),
  })
