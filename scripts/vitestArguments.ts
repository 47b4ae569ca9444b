/** Checks the arguments that `npm test` and `npm run test:interop` pass on to vitest, before a step that takes long. */
import { createCLI } from "vitest/node"

/**
 * The error in the arguments, in one line, or undefined. vitest itself would report it after the type check and the build, with a stack
 * trace.
 */
export const wrongArgument = (args: ReadonlyArray<string>): string | undefined => {
  try {
    const cli = createCLI()
    cli.parse(["node", "vitest", "run", ...args], { run: false })
    cli.matchedCommand?.checkUnknownOptions()
    cli.matchedCommand?.checkOptionValue()
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return `${message.replaceAll(/\s+/g, " ").replace(/\.$/, "")}; allowed are a part of a test file's name and options of vitest such as -t TEXT`
  }
}
