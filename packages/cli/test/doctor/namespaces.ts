/** Runs the command `doctor` in prepared situations, each in network and mount namespaces of its own (Linux). */
import { execFile, execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { Check } from "../../src/doctor/Check.ts"

const inside = fileURLToPath(new URL("./inside.ts", import.meta.url))

/** As the npm scripts start the commands: Node keeps the compiled code. */
export const nodeOptions = [
  `--import=${new URL("../../../../scripts/start.mjs", import.meta.url)}`,
  "--conditions=@topic-tracker/source",
]

/** The resolver's file is a private copy: a situation may change it. */
const SET_UP = `set -e
servers=$(mktemp); : > $servers; mount --bind $servers /etc/resolv.conf; rm $servers
export DOCTOR_NAMESPACE=1
exec "$@"`

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
const flags = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]
const words = (...args: ReadonlyArray<string>) => [...flags, "sh", "-c", SET_UP, "sh", ...args]

/** Why no such namespace can be made here; undefined if one can. */
export const unavailable = ((): string | undefined => {
  try {
    execFileSync(
      "unshare",
      words("sh", "-c", "ip link set lo up && nft list ruleset && ip link add outside0 type veth peer name outside1"),
      {
        env,
        stdio: "pipe",
      },
    )
    return undefined
  } catch (error) {
    return `no network namespace: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : error}`
  }
})()

export interface Diagnosis {
  readonly code: number
  readonly err: string
  readonly checks: ReadonlyArray<Check>
}

/** Each situation has two programs that are loaded from source, so more at a time are only slower. */
const MAX_RUNNING = 2
const waiting: Array<() => void> = []
let running = 0

/** What the command says in the situation. */
export const diagnose = async (situation: string): Promise<Diagnosis> => {
  if (running === MAX_RUNNING) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await runInside(situation)
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

const runInside = async (situation: string): Promise<Diagnosis> => {
  const { stdout } = await promisify(execFile)("unshare", words(process.execPath, ...nodeOptions, inside, situation), {
    env,
    timeout: 90_000,
  })
  const { code, err, out } = JSON.parse(stdout.trim().split("\n").at(-1)!)
  return { code, err, checks: out === "" ? [] : JSON.parse(out).checks }
}
