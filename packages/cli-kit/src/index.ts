/** What programs of one's own need to behave as our commands do; the commands themselves are run, not imported. */
export * as Flags from "./flags.ts"
export { CommandFailed, runCommand, UsageError } from "./runCommand.ts"
export { type TextTableOptions, textTable } from "./textTable.ts"
