/**
 * The program inside a namespace: makes it ready, runs what its parent asks for, one run, and ends. It ends too when its
 * parent does, and the namespace with it.
 */
import { execFileSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { Cause, Effect, Exit } from "effect"
import type { TopicWork } from "../topics/runAllTopics.ts"
import { redirection } from "./addresses.ts"
import type { InsideReport } from "./namespace.ts"
import { runSockets } from "./runSockets.ts"

/** Where ip and nft are is not on every user's PATH. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

const post = (report: InsideReport): void => {
  process.send?.(report)
}

/** No IPv6, loopback up, and the rules in force. */
const makeReady = (): void => {
  const noIpv6 = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
  if (existsSync(noIpv6)) writeFileSync(noIpv6, "1")
  run("ip", ["link", "set", "lo", "up"])
  run("nft", ["-f", "-"], redirection)
}

const run = (program: string, args: ReadonlyArray<string>, input = ""): string => {
  try {
    return execFileSync(program, args, { env, input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] })
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    const why = "stderr" in error && error.stderr !== "" ? String(error.stderr).trim() : error.message
    throw new Error(`${program}: ${why}`)
  }
}

/** Packets that each of the rules' counters has seen. */
const counted = (): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...run("nft", ["list", "counters"]).matchAll(/counter (\w+) \{\s*packets (\d+)/g)].map(([, name, packets]) => [
      name!,
      Number(packets),
    ]),
  )

const play = async ({ scenario, seed, withLog }: TopicWork): Promise<void> => {
  const start = performance.now()
  const log: Array<string> = []
  const exit = await Effect.runPromiseExit(
    runSockets(scenario, seed, {
      ...(withLog ? { onLine: (line) => log.push(line) } : {}),
      onProgress: (part) => post({ _tag: "Progress", part }),
      counted,
    }),
  )
  if (Exit.isFailure(exit)) return post({ _tag: "Failed", message: Cause.pretty(exit.cause) })
  post({ _tag: "Done", result: { run: exit.value, log: log.join(""), wallMs: performance.now() - start } })
}

process.on("disconnect", () => process.exit(1))
process.once("message", (work: TopicWork) => {
  void play(work).then(() => process.disconnect())
})
try {
  makeReady()
  post({ _tag: "Ready" })
} catch (cause) {
  post({ _tag: "Unavailable", message: cause instanceof Error ? cause.message : String(cause) })
}
