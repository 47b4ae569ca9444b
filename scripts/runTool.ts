/**
 * Runs the program of a development dependency with the Node that runs this script. It reads the program's path from the dependency's
 * package.json instead of searching PATH, so that it works without a shell on every platform, Windows included.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"

const PACKAGES = { tsc: "typescript", biome: "@biomejs/biome", vitest: "vitest" } as const

/** The programs that {@link runTool} can run. */
export type Tool = keyof typeof PACKAGES

/** The end of a program. */
export interface ToolResult {
  /** 0 if it succeeded. 1 if it could not start. 128 and the signal's number if a signal ended it. */
  readonly exitCode: number
  /** The reason why it did not run to its end, in one line. */
  readonly cause?: string
}

/** Runs the program to its end, with this process's input and output. */
export const runTool = (
  tool: Tool,
  args: ReadonlyArray<string>,
  root = join(import.meta.dirname, ".."),
): ToolResult => {
  const folder = join(root, "node_modules", PACKAGES[tool])
  let file: string
  try {
    file = join(folder, JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).bin[tool])
  } catch (error) {
    return { exitCode: 1, cause: `${PACKAGES[tool]} is not installed (${messageOf(error)}); run npm ci` }
  }
  const { error, signal, status } = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" })
  if (error !== undefined) return { exitCode: 1, cause: messageOf(error) }
  if (signal !== null) return { exitCode: 128 + constants.signals[signal], cause: `${tool} was ended by ${signal}` }
  return { exitCode: status ?? 1 }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
