#!/usr/bin/env node
/**
 * The command `topic-tracker`. It loads the subcommand that the arguments name; in the help the others are a line each. Completions
 * need all of them. What is imported here is little: Node keeps compiled code only of what is loaded after it was told to.
 */
import { keepCompiledCode } from "./compiledCode.ts"
import { catchNodeSignals } from "./nodeSignals.ts"
import { commandOf } from "./summaries.ts"

const args = process.argv.slice(2)
const name = commandOf(args)

if (name === "node") catchNodeSignals(args)
keepCompiledCode()

const { runTopicTracker } = await import("./rootCommand.ts")
await runTopicTracker(name, args.includes("--completions"))
