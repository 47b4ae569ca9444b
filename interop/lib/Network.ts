/**
 * Several hosts on one Ethernet bridge, each with its own address, and what can befall them: loss, being cut off, and a
 * router that masquerades. Made of network namespaces, veth pairs and nftables; without namespaces there is no network.
 */
import { Effect } from "effect"
import { type Host, machine, makeHost, type NamespaceHost, run } from "./Lab.ts"

/** A veth pair from an end inside `from`, named `port`, to an interface of `to`; both ends up. */
const plug = Effect.fn("Network.plug")(function* (
  from: NamespaceHost,
  port: string,
  to: NamespaceHost,
  name: string,
  address: string,
) {
  const ip = (host: Host, words: string) => run(host, "ip", ...words.split(" "))
  yield* ip(from, `link add ${port} type veth peer name ${name} netns ${to.pid}`)
  yield* ip(from, `link set ${port} up`)
  yield* ip(to, `addr add ${address} dev ${name}`)
  yield* ip(to, `link set ${name} up`)
})

export interface Network<Name extends string> {
  readonly host: (name: Name) => Host
}

/**
 * Hosts in 10.77.0.0/24 with no way out. The bootstrap names lead to the first. Hosts named in `behindNat` sit instead in
 * a private network (192.168.N.0/24) of their own behind a router on the bridge that masquerades.
 */
export const make = Effect.fn("Network.make")(function* <const Name extends string>(
  names: ReadonlyArray<Name>,
  options: { readonly behindNat?: ReadonlyArray<Name> } = {},
) {
  const dht = "10.77.0.1"
  const bridge = yield* makeHost(machine, "switch", "10.77.0.254", dht)
  yield* run(bridge, "ip", "link", "add", "br0", "type", "bridge")
  yield* run(bridge, "ip", "link", "set", "br0", "up")

  const onBridge = Effect.fnUntraced(function* (name: string, number: number) {
    const host = yield* makeHost(bridge, name, `10.77.0.${number}`, dht)
    yield* plug(bridge, `port${number}`, host, "eth0", `${host.address}/24`)
    yield* run(bridge, "ip", "link", "set", `port${number}`, "master", "br0")
    return host
  })

  const hosts = new Map<string, Host>()
  for (const [index, name] of names.entries()) {
    const number = index + 1
    if (options.behindNat?.includes(name) !== true) {
      hosts.set(name, yield* onBridge(name, number))
      continue
    }
    const router = yield* onBridge(`router of ${name}`, number)
    const host = yield* makeHost(bridge, name, `192.168.${number}.2`, dht)
    yield* plug(host, "eth0", router, "eth1", `192.168.${number}.1/24`)
    yield* run(host, "ip", "addr", "add", `${host.address}/24`, "dev", "eth0")
    yield* run(host, "ip", "route", "add", "default", "via", `192.168.${number}.1`)
    yield* run(router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    yield* run(router, "nft", "add table ip lab; add chain ip lab out { type nat hook postrouting priority srcnat; }")
    yield* run(router, "nft", "add rule ip lab out oifname eth0 masquerade")
    hosts.set(name, host)
  }
  const network: Network<Name> = {
    host: (name) => {
      const host = hosts.get(name)
      if (host === undefined) throw new RangeError(`name: no host ${name}; there are ${names.join(", ")}`)
      return host
    },
  }
  return network
})

const inputChain = (table: string) =>
  `add table inet ${table}; add chain inet ${table} in { type filter hook input priority 0; }`
const chain = inputChain("lab")

/** From now on the host loses this share of the UDP packets that reach it, at random. */
export const lose = (host: Host, percent: number) =>
  run(host, "nft", `${chain}; add rule inet lab in meta l4proto udp numgen random mod 100 < ${percent} drop`)

/** From now on no packet reaches the host or leaves it, as if its cable were pulled. */
export const cutOff = (host: Host) =>
  run(
    host,
    "nft",
    `${chain}; add rule inet lab in drop; ` +
      "add chain inet lab out { type filter hook output priority 0; }; add rule inet lab out drop",
  )

/** From now on no packet from `from` reaches the host. */
export const deafen = (host: Host, from: Host) =>
  run(host, "nft", `${chain}; add rule inet lab in ip saddr ${from.address} drop`)

/**
 * From now on, and whatever is mended, no query of a DHT reaches the host, as behind a firewall that knows BitTorrent: what begins as
 * KRPC queries do, with "d1:".
 */
export const blockDht = (host: Host) =>
  run(host, "nft", `${inputChain("firewall")}; add rule inet firewall in meta l4proto udp @th,64,24 0x64313a drop`)

/** Undoes {@link lose}, {@link cutOff} and {@link deafen}. */
export const mend = (host: Host) => run(host, "nft", "delete table inet lab")
