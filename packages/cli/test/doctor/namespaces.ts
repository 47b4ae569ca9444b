/** Runs the command `doctor` in prepared situations, each in network and mount namespaces of its own (Linux). */
import { execFile, execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { Check } from "../../src/doctor/Check.ts"

const inside = fileURLToPath(new URL("./inside.ts", import.meta.url))

/** The resolver's file is a private copy: a situation may change it. */
const SET_UP = `set -e
servers=$(mktemp); : > $servers; mount --bind $servers /etc/resolv.conf; rm $servers
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

/** What the command says in the situation. */
export const diagnose = async (situation: string): Promise<Diagnosis> => {
  const { stdout } = await promisify(execFile)(
    "unshare",
    words(process.execPath, "--conditions=@topic-tracker/source", inside, situation),
    { env, timeout: 60_000 },
  )
  const { code, err, out } = JSON.parse(stdout.trim().split("\n").at(-1)!)
  return { code, err, checks: out === "" ? [] : JSON.parse(out).checks }
}
