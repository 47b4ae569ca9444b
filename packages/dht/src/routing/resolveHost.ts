/**
 * The IPv4 addresses of a host name, all of them. Unlike `dns.lookup` of Node.js, which the system's resolver blocks until it
 * gives up, this can be interrupted: a silent DNS server does not keep a finished program alive.
 *
 * It asks the hosts file first, then DNS. `dns.lookup` comes last, and only if DNS has answered that it does not know the name or
 * no DNS server listens: the system may know other sources, such as multicast DNS.
 */
import { Resolver } from "node:dns"
import { lookup } from "node:dns/promises"
import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { ipv4 } from "../krpc/nodeId.ts"

/** The error code of the resolver, such as ENOTFOUND. */
export type ResolveFailure = string

/** Addresses taken from one name. */
const MAX_ADDRESSES = 16

/** For one DNS server, in ms, and the number of attempts. */
const TIMEOUT_MS = 3000
const TRIES = 2

/** Codes after which the system's own resolver is worth a try, and will not be silent. */
const FALLBACK_CODES: ReadonlySet<ResolveFailure> = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED"])

const HOSTS_FILE =
  process.platform === "win32"
    ? `${process.env.SystemRoot ?? "C:\\Windows"}\\System32\\drivers\\etc\\hosts`
    : "/etc/hosts"

/** The addresses of the name, in dotted decimal; at least one. `servers` replaces the DNS servers of the system. */
export const resolveHost = (
  host: string,
  servers?: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<string>, ResolveFailure> =>
  fromHostsFile(host).pipe(
    Effect.flatMap((listed) => (listed.length > 0 ? Effect.succeed(listed) : fromDns(host, servers))),
    Effect.catchIf(
      (code) => FALLBACK_CODES.has(code),
      () => fromSystem(host),
    ),
    Effect.map((addresses) => addresses.slice(0, MAX_ADDRESSES)),
  )

const fromHostsFile = (host: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(() =>
    readFile(HOSTS_FILE, "utf8").then(
      (text) => addressesIn(text, host),
      () => [],
    ),
  )

/** The IPv4 addresses that the text of a hosts file gives the name. */
export const addressesIn = (hostsFile: string, host: string): ReadonlyArray<string> => {
  const wanted = host.toLowerCase()
  return hostsFile.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/)
    return ipv4(address) !== undefined && names.some((name) => name.toLowerCase() === wanted) ? [address] : []
  })
}

const fromDns = (
  host: string,
  servers: ReadonlyArray<string> | undefined,
): Effect.Effect<ReadonlyArray<string>, ResolveFailure> =>
  Effect.callback((resume) => {
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
    if (servers !== undefined) resolver.setServers(servers)
    resolver.resolve4(host, (error, addresses) =>
      resume(error === null ? Effect.succeed(addresses) : Effect.fail(error.code ?? error.message)),
    )
    return Effect.sync(() => resolver.cancel())
  })

const fromSystem = (host: string): Effect.Effect<ReadonlyArray<string>, ResolveFailure> =>
  Effect.tryPromise({
    try: () => lookup(host, { family: 4, all: true }),
    catch: (error) => (error instanceof Error && "code" in error ? String(error.code) : String(error)),
  }).pipe(Effect.map((found) => found.map(({ address }) => address)))
