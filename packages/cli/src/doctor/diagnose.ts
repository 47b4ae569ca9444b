/**
 * Judges the facts: one check for each thing that can stand in the way, with advice. A check that says nothing new, because an earlier one
 * explains it, is left out.
 */
import { type Check, failed, passed } from "./Check.ts"
import type { HostFacts, NodeFacts, TopicFacts } from "./Facts.ts"

/** A clock that is further off costs time at a join (PROTOCOL.md, "Minutes"). */
const MAX_CLOCK_MS = 30_000

/** Members stop putting records into a slot that has 5, and no member makes an item that is no record. */
const MANY_UNOPENED = 10
const MUCH_GARBAGE = 3

export const diagnoseHost = (facts: HostFacts): ReadonlyArray<Check> => {
  const network = networkCheck(facts)
  const port = portCheck(facts)
  if (!network.ok) return [network, ...port]
  const dns = dnsCheck(facts)
  const isUnresolved = dns.some(({ ok }) => !ok)
  // Without an address there was nobody to ask.
  const dht = isUnresolved && facts.dht.asked === 0 ? [] : [dhtCheck(facts)]
  return [network, ...port, ...dns, ...dht, ...clockCheck(facts)]
}

const networkCheck = ({ ipv4, ipv6, isLoopback }: HostFacts): Check => {
  if (isLoopback) return passed("network", "the DHT is on this host; no other network is used")
  if (ipv4.length > 0) return passed("network", `IPv4 address ${ipv4.join(", ")}`)
  if (ipv6.length === 0) return failed("network", "this host has no network address", "Connect it to a network.")
  return failed(
    "network",
    `this host has IPv6 only (${ipv6[0]}), and the DHT is reached over IPv4`,
    "Give it an IPv4 address, also a private one behind a NAT, or a translation such as 464XLAT; or join by an invitation that names peers.",
  )
}

const portCheck = ({ port }: HostFacts): ReadonlyArray<Check> => {
  if (port.number === 0 && port.error === undefined) return []
  if (port.error === undefined) return [passed("port", `UDP port ${port.number} is free`)]
  const isTaken = port.error === "EADDRINUSE"
  const found = isTaken ? `UDP port ${port.number} is in use` : `UDP port ${port.number} cannot be bound: ${port.error}`
  const advice =
    port.error === "EACCES"
      ? "Choose a port above 1023."
      : `End the program that has it (ss -ulpn 'sport = :${port.number}'), or choose another port; 0 takes any free one.`
  return [failed("port", found, advice)]
}

const dnsCheck = ({ names }: HostFacts): ReadonlyArray<Check> => {
  if (names.length === 0) return []
  const unknown = names.filter(({ found }) => typeof found === "string")
  const known = names.length - unknown.length
  if (unknown.length === 0) return [passed("dns", `${known} of ${known} names of bootstrap nodes resolve`)]
  const what = unknown.map(({ found, name }) => `${name} (${found})`).join(", ")
  const advice =
    "Check the name servers of this host (/etc/resolv.conf), or give bootstrap nodes by address: --bootstrap IP:PORT."
  // One name is enough to start from.
  return known > 0
    ? [passed("dns", `${known} of ${names.length} names of bootstrap nodes resolve; not ${what}`)]
    : [failed("dns", `no name of a bootstrap node resolves: ${what}`, advice)]
}

const dhtCheck = ({ dht: { answered, asked }, isLoopback }: HostFacts): Check => {
  if (answered > 0) return passed("dht", `${answered} of ${asked} DHT nodes answered`)
  const found = `no DHT node answered, of ${asked} asked over UDP`
  return isLoopback
    ? failed("dht", found, "Start the bootstrap node, for example with the command testnet, and check its port.")
    : failed(
        "dht",
        found,
        "Allow outgoing UDP to all ports in the firewall. In a network that carries TCP only, use a DHT of your own there: --bootstrap.",
      )
}

const clockCheck = ({ clock }: HostFacts): ReadonlyArray<Check> => {
  if (clock === undefined) return []
  const { aheadMillis, server } = clock
  if (aheadMillis === undefined) return [passed("clock", `not compared: the time server ${server} does not answer`)]
  const seconds = Math.round(Math.abs(aheadMillis) / 1_000)
  const where = aheadMillis > 0 ? "ahead of" : "behind"
  return Math.abs(aheadMillis) <= MAX_CLOCK_MS
    ? [passed("clock", `within ${Math.max(1, seconds)} s of ${server}`)]
    : [failed("clock", `this host's clock is ${seconds} s ${where} ${server}`, CLOCK_ADVICE)]
}

const CLOCK_ADVICE =
  "Set the clock, for example with `timedatectl set-ntp true`: nodes meet in the slot of the same minute."

/** The checks of a node that was started on this host. */
export const diagnoseNode = ({ relay, stored }: NodeFacts, { dht, isLoopback }: HostFacts): ReadonlyArray<Check> => {
  const checks: Array<Check> = []
  if (dht.answered > 0) checks.push(storageCheck(stored))
  if (!isLoopback && dht.seenAs.length > 0) checks.push(natCheck(dht.seenAs, relay))
  return checks
}

const storageCheck = (stored: number | string): Check =>
  typeof stored === "number"
    ? passed("storage", `${stored} DHT nodes stored an item of ours`)
    : failed(
        "storage",
        `DHT nodes answer, and none stores an item: ${stored}`,
        "Nodes that are read-only or pure routers cannot hold records. In a DHT of your own, start some nodes with dht.readOnly = false and name them with --bootstrap.",
      )

const natCheck = (seenAs: ReadonlyArray<string>, relay: string | undefined): Check => {
  const ports = new Set(seenAs)
  const withRelay = relay !== undefined && relay !== "off"
  const relayed = withRelay ? `, with relay ${relay}` : ", without a relay"
  if (ports.size === 1) return passed("nat", `all DHT nodes see us as ${seenAs[0]}${relayed}`)
  const found = `DHT nodes see us at ${ports.size} addresses (${seenAs.slice(0, 3).join(", ")}): the NAT is symmetric${relayed}`
  if (withRelay) return passed("nat", found)
  return failed(
    "nat",
    found,
    relay === "off"
      ? "Turn the relays on (no --relay none), or name one that both sides reach: --relay URL. Or forward a UDP port to this host."
      : "Allow outgoing HTTPS to the relays, or name one that both sides reach: --relay URL. Or forward a UDP port to this host.",
  )
}

/** The checks of a topic that was joined. */
export const diagnoseTopic = (topic: TopicFacts): ReadonlyArray<Check> => {
  const { access, clockAheadMinutes, isClockRefused, isJoined, isOtherAccess, garbage, records, unopened } = topic
  const checks: Array<Check> = []
  if (clockAheadMinutes !== undefined || isClockRefused) checks.push(peerClockCheck(clockAheadMinutes))
  const other = access === "open" ? "members" : "open"
  checks.push(
    isOtherAccess
      ? failed(
          "access",
          `nodes joined this topic with --access ${other}`,
          `Use the same access everywhere: --access ${other} here, or --access ${access} there.`,
        )
      : passed("access", access === "open" ? "open" : "members only"),
  )
  const isFlooded = unopened >= MANY_UNOPENED || garbage >= MUCH_GARBAGE
  const isOpened = isJoined || records > 0
  if (!isOpened && unopened > 0 && !isOtherAccess) {
    const found = `the secret opens none of the ${unopened} records that were read`
    checks.push(
      failed(
        "secret",
        found,
        "Compare the secrets, byte for byte: one from a file often ends with a line break that another lacks.",
      ),
    )
  } else if (isOpened) {
    checks.push(passed("secret", isJoined ? "it is the members' secret" : `it opens ${records} records`))
  }
  if (isFlooded) {
    checks.push(
      failed(
        "slot",
        `the topic's slot has ${unopened + garbage} items that this secret does not open: strangers fill it`,
        "Members still find each other in the second slot, programs of the Rust crate do not. Choose a name that nobody can guess.",
      ),
    )
  }
  checks.push(
    membersCheck(
      topic,
      checks.every(({ ok }) => ok),
    ),
  )
  return checks
}

const peerClockCheck = (minutes: number | undefined): Check =>
  failed(
    "clock",
    minutes === undefined
      ? "a member refused this node because the clocks are too far apart"
      : `this host's clock is ${Math.abs(minutes)} minutes ${minutes > 0 ? "ahead of" : "behind"} a member's`,
    `One of the two is wrong. ${CLOCK_ADVICE}`,
  )

const membersCheck = ({ dials, isJoined, seconds }: TopicFacts, isWell: boolean): Check => {
  if (isJoined) return passed("members", "a member of the topic was found")
  if (dials > 0 && isWell) {
    return failed(
      "members",
      `${dials} dials, and no member could be reached`,
      "A NAT or a firewall is between them and this node: keep the relays on on both sides. Tunnels must carry packets of 1,200 bytes.",
    )
  }
  const found = isWell ? `no node of this topic was found within ${seconds} s` : "no member was found"
  // Nothing is in the way; there may be nobody yet.
  return passed("members", found, isWell ? "Start another node, with the same name, byte for byte." : "")
}
