/**
 * The program inside a network namespace: prepares one situation, runs the command `doctor` in it, and prints what the command printed as
 * JSON {code, out, err}. Every address of 5.0.0.0/8 is this host's, so one process can be several public DHT nodes.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { situations } from "./situations.ts"

// It changes rules and addresses of the network, and the file of name servers.
if (process.env.DOCTOR_NAMESPACE !== "1") throw new Error("this program runs in namespaces of its own only")

const [name = ""] = process.argv.slice(2)
const situation = situations[name]
if (situation === undefined) throw new Error(`no situation ${name}`)

const doctor = fileURLToPath(new URL("../../src/doctor.ts", import.meta.url))

const run = (program: string, ...args: ReadonlyArray<string>) =>
  execFileSync(program, args, { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } })

/** Runs the command; behind a NAT it has a namespace of its own, to which the way leads through this one. */
const examine = async (args: ReadonlyArray<string>, nat: boolean) => {
  const words = [process.execPath, ...process.execArgv, doctor, ...args, "--json"]
  const [program, ...rest] = nat ? ["unshare", "--net", "sh", "-c", 'read go; exec "$@"', "sh", ...words] : words
  const child = spawn(program!, rest, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } })
  let [out, err] = ["", ""]
  child.stdout.on("data", (chunk) => {
    out += chunk
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
  })
  const ended = once(child, "close")
  if (nat) {
    const inside = (...words: ReadonlyArray<string>) => run("nsenter", "--net", `--target=${child.pid}`, ...words)
    // unshare needs a moment to enter the new namespace.
    for (let i = 0; i < 100; i++) {
      if (!run("readlink", `/proc/${child.pid}/ns/net`).equals(run("readlink", "/proc/self/ns/net"))) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    run("ip", "link", "set", "inside0", "netns", String(child.pid))
    inside("ip", "link", "set", "lo", "up")
    inside("ip", "addr", "add", "10.0.0.2/24", "dev", "inside0")
    inside("ip", "link", "set", "inside0", "up")
    inside("ip", "route", "add", "default", "via", "10.0.0.1")
    child.stdin.write("go\n")
  }
  child.stdin.end()
  const [code] = await ended
  return { code, out, err }
}

const program = Effect.gen(function* () {
  for (const [word, ...args] of situation.commands ?? []) run(word!, ...args)
  const args = yield* situation.prepare
  console.log(JSON.stringify(yield* Effect.promise(() => examine(args, situation.nat === true))))
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
