/** Starts the commands of this package as programs. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { type StartOptions, startProgram } from "./startProgram.ts"

/** Starts a command. It is killed when the scope closes. */
export const start = (
  command: string,
  args: ReadonlyArray<string>,
  { nodeOptions = [], ...options }: StartOptions & { readonly nodeOptions?: ReadonlyArray<string> } = {},
) => {
  const file = fileURLToPath(new URL(`../src/${command}.ts`, import.meta.url))
  return startProgram(process.execPath, [...nodeOptions, "--conditions=@topic-tracker/source", file, ...args], options)
}

/** Runs a command to its end. */
export const run = (command: string, args: ReadonlyArray<string>, options?: StartOptions) =>
  Effect.scoped(Effect.flatMap(start(command, args, options), ({ ended }) => ended))

export const oneLine = (text: string) => text.trim().split("\n").length === 1

/** A folder that is removed when the scope closes. */
export const scratch = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "topic-tracker-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true })),
)
