/** Sets up the network namespace that this process is alone in: loopback, and the rules under which packets pass the relay. */
import { execFileSync } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import { REDIRECTION_RULES } from "./addresses.ts"

/** The folders of ip and nft are not on every user's PATH. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

/** Turns IPv6 off, brings loopback up, and loads the rules. Throws with the message of the program that failed. */
export const setUpNamespace = (): void => {
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
export const packetCounts = (): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...run("nft", ["list", "counters"]).matchAll(/counter (\w+) \{\s*packets (\d+)/g)].map(([, name, packets]) => [
      name!,
      Number(packets),
    ]),
  )
