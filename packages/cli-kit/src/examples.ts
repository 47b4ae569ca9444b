/** Examples of use in a command's help. */
import { Command } from "effect/cli"

/** Each example has the words after the command's name, and what they do. */
export const withExamples = (...examples: ReadonlyArray<readonly [words: string, description: string]>) =>
  Command.withExamples(({ commandPath }) =>
    examples.map(([words, description]) => ({ command: [...commandPath, words].join(" ").trim(), description })),
  )
