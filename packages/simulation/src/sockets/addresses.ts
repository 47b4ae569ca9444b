/**
 * The addresses of all sockets on the loopback interface of a network namespace, and the kernel rules that replace a real
 * address by its front, so that no program needs to know of fronts.
 */
import type { SocketAddress } from "./Relay.ts"

/** The ports of each topic node. In a network namespace of its own all ports are free. */
export const DHT_PORT = 6881
export const IROH_PORT = 7000

/** Each topic node has an address of its own in 127.1.0.0/16. */
export const nodeHost = (index: number): string => `127.1.${suffix(index)}`

/** The nodes of the testnet share one address and have different ports. */
export const TESTNET_HOST = "127.0.0.1"

/** The front of a real address. */
export const frontOf = ({ host, port }: SocketAddress): SocketAddress => ({
  host: host === TESTNET_HOST ? TESTNET_FRONT : host.replace(/^127\.1\./, "127.2."),
  port,
})

const TESTNET_FRONT = "127.3.0.1"

const suffix = (index: number): string => {
  const number = index + 1
  return `${Math.floor(number / 250)}.${(number % 250) + 1}`
}

/**
 * The rules for nft: a packet from a node to a node or to the testnet goes to the receiver's front instead; a packet that the
 * relay sends from a front gets the sender's real address; all other packets are dropped, except between nodes of the testnet.
 */
export const REDIRECTION_RULES = `table ip relay {
  counter redirected { }
  counter relayed { }
  counter stray { }
  chain output {
    type filter hook output priority 0; policy drop;
    meta l4proto != udp drop
    ip saddr 127.2.0.0/16 counter name relayed ip saddr set ip saddr & 0.0.255.255 | 127.1.0.0 accept
    ip saddr ${TESTNET_FRONT} counter name relayed ip saddr set ${TESTNET_HOST} accept
    ip saddr 127.1.0.0/16 ip daddr 127.1.0.0/16 counter name redirected ip daddr set ip daddr & 0.0.255.255 | 127.2.0.0 accept
    ip saddr ${TESTNET_HOST} ip daddr 127.1.0.0/16 counter name redirected ip daddr set ip daddr & 0.0.255.255 | 127.2.0.0 accept
    ip saddr 127.1.0.0/16 ip daddr ${TESTNET_HOST} counter name redirected ip daddr set ${TESTNET_FRONT} accept
    ip saddr ${TESTNET_HOST} ip daddr ${TESTNET_HOST} accept
    counter name stray
  }
}
`
