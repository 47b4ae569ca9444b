/** What `npm test` and `npm run test:interop` hand on to vitest, looked at before anything that takes long is begun. */
import { createCLI } from "vitest/node"

/**
 * What is wrong with the arguments, in one line, or undefined. vitest itself finds that out after the type check and the build,
 * and answers with a stack trace.
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
    return `${message.replaceAll(/\s+/g, " ").replace(/\.$/, "")}; it may be a part of a test file's name, or an option of vitest's such as -t TEXT`
  }
}
