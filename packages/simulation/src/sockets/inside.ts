/**
 * The program inside a network namespace: sets the namespace up, does one run for its parent process, and ends. It also ends when
 * its parent does, and the namespace with it.
 */
import { execFileSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { Cause, Effect, Exit } from "effect"
import type { TopicWork } from "../run/runTopicScenarios.ts"
import { REDIRECTION_RULES } from "./addresses.ts"
import type { InsideReport } from "./namespace.ts"
import { runOverSockets } from "./runOverSockets.ts"

/** The folders of ip and nft are not on every user's PATH. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

const post = (report: InsideReport): void => {
  process.send?.(report)
}

/** Turns IPv6 off, brings loopback up, and loads the rules. */
const setUpNamespace = (): void => {
  const noIpv6 = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
  if (existsSync(noIpv6)) writeFileSync(noIpv6, "1")
  run("ip", ["link", "set", "lo", "up"])
  run("nft", ["-f", "-"], REDIRECTION_RULES)
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

/** The counters of the rules: packets by name. */
const packetCounts = (): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...run("nft", ["list", "counters"]).matchAll(/counter (\w+) \{\s*packets (\d+)/g)].map(([, name, packets]) => [
      name!,
      Number(packets),
    ]),
  )

const runOnce = async ({ scenario, seed, withLog }: TopicWork): Promise<void> => {
  const start = performance.now()
  const log: Array<string> = []
  const exit = await Effect.runPromiseExit(
    runOverSockets(scenario, seed, {
      ...(withLog ? { onLine: (line) => log.push(line) } : {}),
      onProgress: (part) => post({ _tag: "Progress", part }),
      packetCounts,
    }),
  )
  if (Exit.isFailure(exit)) return post({ _tag: "Failed", message: Cause.pretty(exit.cause) })
  post({ _tag: "Done", result: { run: exit.value, log: log.join(""), wallMs: performance.now() - start } })
}

process.on("disconnect", () => process.exit(1))
process.once("message", (work: TopicWork) => {
  void runOnce(work).then(() => process.disconnect())
})
try {
  setUpNamespace()
  post({ _tag: "Ready" })
} catch (cause) {
  post({ _tag: "Unavailable", message: cause instanceof Error ? cause.message : String(cause) })
}
