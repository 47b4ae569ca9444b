/**
 * Where everybody is on the loopback interface of a namespace of our own. The kernel takes a front's place for the real
 * address it belongs to, by the rules below, so nobody needs to know of fronts.
 */
import type { SocketAddress } from "./Relay.ts"

/** The topic nodes' ports: in a namespace of their own all are free. */
export const dhtPort = 6881
export const irohPort = 7000

/** Each topic node has a host of its own in 127.1.0.0/16. */
export const nodeHost = (index: number): string => `127.1.${suffix(index)}`

/** The nodes of the testnet share one; their ports tell them apart. */
export const testnetHost = "127.0.0.1"

/** Where the relay stands in for the real address. */
export const frontOf = ({ host, port }: SocketAddress): SocketAddress => ({
  host: host === testnetHost ? testnetFront : host.replace(/^127\.1\./, "127.2."),
  port,
})

const testnetFront = "127.3.0.1"

const suffix = (index: number): string => {
  const number = index + 1
  return `${Math.floor(number / 250)}.${(number % 250) + 1}`
}

/**
 * The rules, for nft: what a node sends to a node or to the testnet goes to the addressee's front instead; what the relay
 * sends from a front bears the real address of the sender; nothing else gets anywhere, except among nodes of the testnet.
 */
export const redirection = `table ip relay {
  counter redirected { }
  counter relayed { }
  counter stray { }
  chain output {
    type filter hook output priority 0; policy drop;
    meta l4proto != udp drop
    ip saddr 127.2.0.0/16 counter name relayed ip saddr set ip saddr & 0.0.255.255 | 127.1.0.0 accept
    ip saddr ${testnetFront} counter name relayed ip saddr set ${testnetHost} accept
    ip saddr 127.1.0.0/16 ip daddr 127.1.0.0/16 counter name redirected ip daddr set ip daddr & 0.0.255.255 | 127.2.0.0 accept
    ip saddr ${testnetHost} ip daddr 127.1.0.0/16 counter name redirected ip daddr set ip daddr & 0.0.255.255 | 127.2.0.0 accept
    ip saddr 127.1.0.0/16 ip daddr ${testnetHost} counter name redirected ip daddr set ${testnetFront} accept
    ip saddr ${testnetHost} ip daddr ${testnetHost} accept
    counter name stray
  }
}
`
