/**
 * The program inside the host of a shell block: it stands in for the public DHT, runs the lines of the block, each in a process group as a
 * terminal has it, and ends those that run on by Ctrl-C. Exit code 0 if all did what the block says.
 */
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { Crypto } from "@topic-tracker/crypto"
import { Dht, DhtConfig } from "@topic-tracker/dht"
import { Context, Effect, Layer, ManagedRuntime } from "effect"
import type { Line, ShellBlock } from "./shell.ts"
import { END_MS, until, type Watched, watch } from "./watched.ts"

const PORT = 6881
const DHT_NODES = 8
/** ms in which a line has to end, or to print what it says. */
const LIMIT_MS = 60_000

// It changes the file of names.
if (process.env.DOCUMENT_HOST !== "1") throw new Error("this program runs on a host of its own only")

const block: ShellBlock = JSON.parse(process.argv[2]!)
const start = new URL("../start.mjs", import.meta.url).href

interface Started extends Watched {
  readonly line: string
}

const started: Array<Started> = []

const startLine = (line: string): Started => {
  const child = spawn("bash", ["-euo", "pipefail", "-c", line], {
    detached: true,
    env: {
      ...process.env,
      NO_COLOR: "1",
      NODE_OPTIONS: `--import=${start} --conditions=@topic-tracker/source`,
      TOPIC_TRACKER_CACHE: "none",
    },
    stdio: ["pipe", "pipe", "pipe"],
  })
  const each = Object.assign(watch(child), { line })
  started.push(each)
  return each
}

/** The longest word of what a line printed, such as an invitation. A document names it TEXT in the line below. */
const longestWord = (out: string): string =>
  out
    .split(/\s+/)
    .reduce((longest, word) => (/^[\w.:-]+$/.test(word) && word.length > longest.length ? word : longest), "")

let word = ""

const runLine = async ({ nodes, prints, text }: Line): Promise<void> => {
  const all = Array.from({ length: nodes }, () => startLine(text.replaceAll(/\bTEXT\b/g, word)))
  const isDone = ({ ended, err, out }: Started) => (prints === "" ? ended === 0 : (out + err).includes(prints))
  const hasFailed = () => all.some((each) => each.ended !== undefined && !isDone(each))
  const inTime = await until(() => all.every(isDone) || hasFailed(), LIMIT_MS)
  if (hasFailed()) throw new Error(`${text}: ended without ${prints || "exit code 0"}`)
  if (!inTime) throw new Error(`${text}: not within ${LIMIT_MS} ms: ${prints || "its end"}`)
  if (prints === "") word = longestWord(all[0]!.out) || word
}

const interrupt = ({ child, ended }: Started, signal: NodeJS.Signals): void => {
  if (ended !== undefined || child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It has just ended.
  }
}

const publicDht = Layer.effectDiscard(
  Effect.forEach(Array.from({ length: DHT_NODES }).keys(), (i) =>
    Effect.gen(function* () {
      const bootstrap = i === 0 ? [] : [{ host: "5.0.0.1", port: PORT }]
      const services = yield* Layer.build(Dht.layer({ bootstrap, host: `5.0.0.${i + 1}`, port: PORT }))
      if (i > 0) yield* Effect.ignore(Context.get(services, Dht).bootstrapped)
    }),
  ),
).pipe(Layer.provide(Crypto.layer()))

const main = async (): Promise<void> => {
  const names = DhtConfig.publicBootstrap.map(({ host }) => `5.0.0.1 ${host}\n`)
  writeFileSync("/etc/hosts", `127.0.0.1 localhost\n${names.join("")}`)
  const dht = ManagedRuntime.make(publicDht)
  await dht.runPromise(Effect.void)
  if (block.testnet) await runLine({ text: "npm run -s testnet", prints: "ready", nodes: 1 })
  for (const line of block.lines) await runLine(line)
  for (const each of started) interrupt(each, "SIGINT")
  const inTime = await until(() => started.every(({ ended }) => ended !== undefined), END_MS)
  if (!inTime) throw new Error(`not ended ${END_MS} ms after Ctrl-C`)
  // 130 is the usual code after Ctrl-C; npm ends itself by the signal.
  const wrong = started.find(({ ended }) => ended === undefined || ![0, 130, "SIGINT"].includes(ended))
  if (wrong !== undefined) throw new Error(`${wrong.line}: ${wrong.ended} after Ctrl-C`)
}

try {
  await main()
  process.exit(0)
} catch (error) {
  for (const { ended, err, line, out } of started) console.error(`$ ${line}\n${out}${err}— ${ended ?? "runs"}`)
  console.error(error instanceof Error ? error.message : error)
  for (const each of started) interrupt(each, "SIGKILL")
  process.exit(1)
}
