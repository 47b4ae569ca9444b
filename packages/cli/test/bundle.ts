/** The command as it is published, made anew for a test file, and programs that are run to their end. */
import { execFile, execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const workspace = fileURLToPath(new URL("../../..", import.meta.url))

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

const exec = promisify(execFile)

/** Runs a program to its end. The terminal's variables are those of the test only. */
export const run = async (file: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Ended> => {
  const { FORCE_COLOR: _, ...rest } = process.env
  // The command must keep nothing in the user's folders.
  const own = { ...rest, NODE_OPTIONS: "", TOPIC_TRACKER_CACHE: "none", ...env }
  try {
    const { stderr, stdout } = await exec(file, args, { env: own, timeout: 90_000 })
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stderr, stdout } = error as { code: number; stderr: string; stdout: string }
    return { code, out: stdout, err: stderr }
  }
}

export const hasProgram = (name: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** A bundle in a folder of its own, below the workspace, where the native dependency is found as beside an installed package. */
export const bundle = () => {
  const parent = join(workspace, "node_modules", ".cache")
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, "bundle-"))
  const program = join(folder, "topic-tracker.js")
  return {
    folder,
    program,
    make: () => execFileSync(process.execPath, [join(workspace, "scripts", "bundle.ts"), folder], { stdio: "ignore" }),
    remove: () => rmSync(folder, { recursive: true }),
    topicTracker: (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) =>
      run(process.execPath, [program, ...args], env),
  }
}
