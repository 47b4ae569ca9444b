/**
 * Several hosts on one Ethernet bridge, each with its own address, and faults of the network: packet loss, a host that is cut off, a
 * masquerading router. Made of network namespaces, veth pairs and nftables; it needs namespaces.
 */
import { Effect } from "effect"
import { type Host, machine, makeHost, type NamespaceHost, run } from "./Lab.ts"

/** Connects two hosts: a veth pair from the interface `port` of `from` to the interface `name` of `to`. */
const connect = Effect.fn("Network.connect")(function* (
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

/** The hosts of a network by name. */
export interface Network<Name extends string> {
  readonly host: (name: Name) => Host
}

/**
 * Hosts in 10.77.0.0/24 without a route to other networks. The bootstrap names resolve to the first host. Each host in `behindNat` is in
 * a private network of its own (192.168.N.0/24) behind a masquerading router on the bridge.
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
    yield* connect(bridge, `port${number}`, host, "eth0", `${host.address}/24`)
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
    yield* connect(host, "eth0", router, "eth1", `192.168.${number}.1/24`)
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

/** Drops this percentage of the UDP packets that reach the host, at random. */
export const dropPackets = (host: Host, percent: number) =>
  run(host, "nft", `${chain}; add rule inet lab in meta l4proto udp numgen random mod 100 < ${percent} drop`)

/** Drops all packets to and from the host, like a pulled cable. */
export const cutOff = (host: Host) =>
  run(
    host,
    "nft",
    `${chain}; add rule inet lab in drop; ` +
      "add chain inet lab out { type filter hook output priority 0; }; add rule inet lab out drop",
  )

/** Drops all packets from `from` to the host. */
export const blockFrom = (host: Host, from: Host) =>
  run(host, "nft", `${chain}; add rule inet lab in ip saddr ${from.address} drop`)

/**
 * Drops all DHT queries to the host, like a firewall that detects BitTorrent: packets that begin with "d1:", as KRPC queries do.
 * {@link restore} does not undo it.
 */
export const blockDht = (host: Host) =>
  run(host, "nft", `${inputChain("firewall")}; add rule inet firewall in meta l4proto udp @th,64,24 0x64313a drop`)

/** Undoes {@link dropPackets}, {@link cutOff} and {@link blockFrom}. */
export const restore = (host: Host) => run(host, "nft", "delete table inet lab")
