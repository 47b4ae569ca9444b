/** Finds out what this host and its network allow, without a node: addresses, ports, names, DHT nodes, the clock. */
import { networkInterfaces } from "node:os"
import { type DhtAddress, DhtConfig } from "@topic-tracker/dht"
import { resolveHost } from "@topic-tracker/dht/resolveHost"
import { Effect } from "effect"
import { askNodes } from "./dhtNodes.ts"
import type { HostFacts } from "./Facts.ts"
import { clockAhead } from "./timeServer.ts"
import { bindUdp } from "./udp.ts"

export interface HostQuestions {
  readonly bootstrap: ReadonlyArray<DhtAddress>
  /** The UDP port of the DHT client; 0 for any. */
  readonly port: number
  readonly timeServer: DhtAddress | undefined
}

/** A resolver that is silent for longer counts as failed. */
const LOOKUP_MS = 5_000

export const hostFacts = Effect.fnUntraced(function* ({ bootstrap, port, timeServer }: HostQuestions) {
  const isLoopback = DhtConfig.isLoopbackOnly(bootstrap)
  const bind = isLoopback ? "127.0.0.1" : "0.0.0.0"
  const bound = yield* Effect.scoped(
    Effect.map(bindUdp(bind, port), (result) => (result._tag === "Failed" ? result.code : undefined)),
  )
  const names = yield* Effect.forEach(
    [...new Set(bootstrap.map(({ host }) => host).filter(isName))],
    (name) => Effect.map(addressesOf(name), (found) => ({ name, found })),
    { concurrency: "unbounded" },
  )
  const found = new Map(names.map(({ found, name }) => [name, typeof found === "string" ? [] : found]))
  const nodes = bootstrap.flatMap(
    (node): ReadonlyArray<DhtAddress> =>
      isName(node.host) ? found.get(node.host)!.map((host) => ({ host, port: node.port })) : [node],
  )
  const [dht, aheadMillis] = yield* Effect.all(
    [askNodes(nodes, bind), timeServer === undefined ? Effect.succeed(undefined) : clockBy(timeServer, bind)],
    { concurrency: "unbounded" },
  )
  const own = ownAddresses()
  const facts: HostFacts = {
    isLoopback,
    ...own,
    port: { number: port, error: bound },
    names,
    dht,
    clock: timeServer === undefined ? undefined : { server: timeServer.host, aheadMillis },
  }
  return facts
})

/** The IPv4 addresses of a name, as the DHT client finds them, or the code of the error. */
const addressesOf = (name: string): Effect.Effect<ReadonlyArray<string> | string> =>
  resolveHost(name).pipe(
    Effect.catch((code): Effect.Effect<ReadonlyArray<string> | string> => Effect.succeed(code)),
    Effect.timeoutOrElse({ duration: LOOKUP_MS, orElse: () => Effect.succeed("no answer") }),
  )

/** How far our clock is ahead, by a server that is named or has an address. */
const clockBy = ({ host, port }: DhtAddress, bind: string): Effect.Effect<number | undefined> =>
  Effect.flatMap(isName(host) ? addressesOf(host) : Effect.succeed([host]), (found) =>
    typeof found === "string" ? Effect.succeed(undefined) : clockAhead(found[0]!, port, bind),
  )

const isName = (host: string): boolean => !/^[\d.]+$/.test(host)

/** Without loopback and link-local addresses, which lead to no other host. */
const ownAddresses = (): Pick<HostFacts, "ipv4" | "ipv6"> => {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const usable = all.filter(({ address, internal }) => !internal && !/^(169\.254\.|fe80:)/i.test(address))
  const of = (family: "IPv4" | "IPv6") => usable.filter((each) => each.family === family).map(({ address }) => address)
  return { ipv4: of("IPv4"), ipv6: of("IPv6") }
}
