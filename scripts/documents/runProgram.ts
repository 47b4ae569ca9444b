/**
 * Runs a program of a document as a reader would: in processes of its own on loopback, until each has printed what the document
 * promises, and then Ctrl-C. It knows no document and no testnet.
 */
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import { END_MS, until, type Watched, watch } from "./watched.ts"

const starter = join(import.meta.dirname, "../start.mjs")

/** ms in which the processes have to print the expected line, or to end. */
const LIMIT_MS = 90_000

const start = (file: string, own: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Watched => {
  const args = [`--import=${starter}`, "--conditions=@topic-tracker/source", file, ...own]
  return watch(
    spawn(process.execPath, args, {
      // Its files stay beside it.
      cwd: dirname(file),
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  )
}

/** What the programs printed. Rejects with their output if one of them failed, was too late or did not end at Ctrl-C. */
export const runProgram = async (
  file: string,
  options: {
    readonly args: ReadonlyArray<string>
    readonly nodes: number
    readonly prints: string | undefined
    readonly env: Readonly<Record<string, string>>
  },
): Promise<ReadonlyArray<string>> => {
  const { args, env, nodes, prints } = options
  const all = Array.from({ length: nodes }, () => start(file, args, env))
  const described = () =>
    all.map(({ ended, err, out }) => `${ended ?? "runs"}\n${out}${err}`).join("\n— the other one: ")
  try {
    const hasFailed = () => all.some(({ ended }) => ended !== undefined && ended !== 0)
    const isDone = ({ ended, out }: Watched) => (prints === undefined ? ended === 0 : out.includes(prints))
    const inTime = await until(() => hasFailed() || all.every(isDone), LIMIT_MS)
    if (hasFailed()) throw new Error(`failed: ${described()}`)
    if (!inTime) throw new Error(`not within ${LIMIT_MS} ms: ${prints ?? "the end of the program"}\n${described()}`)
    for (const { child, ended } of all) if (ended === undefined) child.kill("SIGINT")
    if (!(await until(() => all.every(({ ended }) => ended !== undefined), END_MS))) {
      throw new Error(`not ended ${END_MS} ms after Ctrl-C: ${described()}`)
    }
    // 130 is the usual code after Ctrl-C.
    if (all.some(({ ended }) => ended !== 0 && ended !== 130)) throw new Error(`after Ctrl-C: ${described()}`)
    return all.map(({ out }) => out)
  } finally {
    for (const { child, ended } of all) if (ended === undefined) child.kill("SIGKILL")
  }
}
