/**
 * The `sh` blocks of documents, each run as a reader would: its lines one after the other in a copy of the repository, on a host of its own that
 * has no network but itself. The public DHT nodes of that host are nodes of ours, so that commands run as they are written.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, tail } from "../consumer/run.ts"
import { isTypescript } from "./blocks.ts"
import { type Fence, fencesBelow, valueOf } from "./fences.ts"

const root = join(import.meta.dirname, "../..")

/** A line of a block. */
export interface Line {
  readonly text: string
  /** The text that it prints while it runs on (`prints="first line|second line"`). Empty: it has to end by itself, with exit code 0. */
  readonly prints: string
  /** The number of terminals in which it runs (`nodes="1|2"`). */
  readonly nodes: number
}

/** A block, and how it is run. */
export interface ShellBlock {
  readonly where: string
  readonly lines: ReadonlyArray<Line>
  /** Whether the document says that a testnet runs already (`testnet`). */
  readonly testnet: boolean
  /** The reason why nothing runs it (`skip="reason"`). */
  readonly skip: string | undefined
  /** Programs that the document shows: `node hello.ts` runs its first TypeScript block. */
  readonly program: string | undefined
}

const linesOf = (fence: Fence): ReadonlyArray<Line> => {
  const texts = fence.code.split("\n").filter((text) => text.trim() !== "")
  const parts = (name: string, fallback: string): ReadonlyArray<string> => {
    const all = valueOf(fence, name)?.split("|") ?? texts.map(() => fallback)
    if (all.length === texts.length) return all
    throw new Error(`${fence.where}: ${name} has ${all.length} parts for ${texts.length} lines`)
  }
  const [prints, nodes] = [parts("prints", ""), parts("nodes", "1")]
  return texts.map((text, index) => ({ text, prints: prints[index]!, nodes: Number(nodes[index]) }))
}

/** All blocks marked `sh` of the documents below the root. */
export const shellBlocks = (from: string = root): ReadonlyArray<ShellBlock> => {
  const fences = fencesBelow(from)
  return fences
    .filter(({ language }) => language === "sh")
    .map((fence) => ({
      where: fence.where,
      lines: linesOf(fence),
      testnet: /(?:^| )testnet(?: |$)/.test(fence.words),
      skip: valueOf(fence, "skip"),
      program: fences.find(({ document, language }) => document === fence.document && isTypescript(language))?.code,
    }))
}

/** A host of its own: only loopback, with an address that others would call public, and its own file of names. */
const SET_UP = `set -e
ip link set lo up
ip addr add 5.0.0.1/8 dev lo
mount --bind "$1/hosts" /etc/hosts
export DOCUMENT_HOST=1
shift
exec "$@"`

const flags = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]
const env = { PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}:/usr/sbin:/sbin` }

/** The words that run a program on such a host. The folder has its file of names. */
const onHost = (folder: string, program: ReadonlyArray<string>): ReadonlyArray<string> => {
  writeFileSync(join(folder, "hosts"), "")
  return [...flags, "sh", "-c", SET_UP, "sh", folder, ...program]
}

/** Why no block can be run here; undefined if they can. */
export const unavailable = (): string | undefined => {
  const folder = mkdtempSync(join(tmpdir(), "topic-tracker-host-"))
  try {
    execFileSync("unshare", onHost(folder, ["true"]), { env: { ...process.env, ...env }, stdio: "pipe" })
    return undefined
  } catch (error) {
    return `no network namespace: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : error}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The files that the lines write do not belong into the repository. */
const makeCopy = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(root)) {
    if (name === ".git") continue
    if (name === "package.json") cpSync(join(root, name), join(folder, name))
    else symlinkSync(join(root, name), join(folder, name))
  }
}

/** Runs a block. Gives what went wrong, or undefined. */
export const runShell = async (block: ShellBlock): Promise<string | undefined> => {
  const folder = join(import.meta.dirname, "dist", "shell", block.where.replaceAll(/[^\w.-]/g, "-"))
  makeCopy(folder)
  // Documents say how one is made, once.
  writeFileSync(join(folder, "secret.txt"), "words that only we know\n")
  if (block.program !== undefined) {
    for (const { text } of block.lines) {
      const name = /\bnode (\w+\.ts)\b/.exec(text)?.[1]
      if (name !== undefined) writeFileSync(join(folder, name), block.program)
    }
  }
  const inside = join(import.meta.dirname, "shellHost.ts")
  const node = [process.execPath, "--conditions=@topic-tracker/source", inside, JSON.stringify(block)]
  const { code, err, out } = await run("unshare", onHost(folder, node), {
    folder,
    env: { ...env, HOME: folder },
    limitMs: 110_000,
  })
  return code === 0 ? undefined : `${code}\n${tail(out, 30)}\n${tail(err, 30)}`
}
