/**
 * Decides which incoming handshakes are begun. A first packet costs its sender nothing and may carry the address of another host, so
 * only a few handshakes are begun without proof of the address; while their places are taken, others must begin again with a token that
 * was sent to that address (RFC 9000, section 8.1.2). With the proof, each network has its share. It knows no connections and no sockets.
 */

import type { IncomingAddr } from "@number0/iroh"
import { SocketAddress } from "@topic-tracker/common"

/** Handshakes in progress that began without a question for the proof. */
const MAX_UNPROVEN = 32

/** Handshakes in progress whose peer has shown its address. */
const MAX_PROVEN = 256

/** A handshake in progress takes no place any more after this time. The binding ends it itself after 30 s. */
export const HANDSHAKE_MS = 5_000

/** The places of the hosts that share a network. */
interface Limits {
  readonly handshakes: number
  readonly connections: number
}

/** The share of an IPv4 address and of an IPv6 network of 64 bits: one host can have all addresses of such a network. */
const HOST: Limits = { handshakes: 16, connections: 64 }

/** All peers that come over a relay count as one network: they could have any number of keys, and the relay is not known better. */
const RELAY: Limits = { handshakes: 128, connections: 4_096 }

/** Programs of this machine, for example a test with hundreds of nodes. */
const LOOPBACK: Limits = { handshakes: MAX_PROVEN, connections: Number.POSITIVE_INFINITY }

/** A network that handshakes come from. Two with the same key share its limits. */
export interface Network {
  readonly key: string
  readonly limits: Limits
}

/** The network of an address in the form that the binding gives. */
export const networkOf = ({ addr, kind }: IncomingAddr): Network => {
  const ip = kind === "ip" && addr !== undefined ? SocketAddress.parse(addr)?.ip : undefined
  if (ip === undefined) return { key: kind, limits: RELAY }
  if (SocketAddress.reachOf(ip) === "loopback") return { key: "loopback", limits: LOOPBACK }
  return { key: (ip.length === 16 && !isMapped(ip) ? ip.subarray(0, 8) : ip.slice(-4)).join("."), limits: HOST }
}

/** A name for the host of the network; undefined for a relay and for this machine, which stand for many. */
export const hostOf = ({ key, limits }: Network): string | undefined => (limits === HOST ? key : undefined)

const isMapped = (ip: Uint8Array): boolean =>
  ip[10] === 0xff && ip[11] === 0xff && ip.subarray(0, 10).every((byte) => byte === 0)

export class Admission {
  #unproven = 0
  #proven = 0
  readonly #provenOf = new Map<string, number>()

  /** Whether a handshake may begin without proof of the address. */
  get hasUnprovenPlace(): boolean {
    return this.#unproven < MAX_UNPROVEN
  }

  /** Whether a handshake with proof of the address may begin. */
  hasPlace({ key, limits }: Network): boolean {
    return this.#proven < MAX_PROVEN && (this.#provenOf.get(key) ?? 0) < limits.handshakes
  }

  /** An accepted handshake begins without proof of the address. Returns a function that gives its place back, once. */
  beginUnproven(): () => void {
    this.#unproven++
    return once(() => this.#unproven--)
  }

  /** An accepted handshake begins with a proof of the address. Returns a function that gives its place back, once. */
  beginProven({ key }: Network): () => void {
    this.#addProven(key, 1)
    return once(() => this.#addProven(key, -1))
  }

  #addProven(key: string, count: number): void {
    this.#proven += count
    const ofNetwork = (this.#provenOf.get(key) ?? 0) + count
    if (ofNetwork === 0) this.#provenOf.delete(key)
    else this.#provenOf.set(key, ofNetwork)
  }
}

const once = (run: () => void): (() => void) => {
  let isOver = false
  return () => {
    if (!isOver) run()
    isOver = true
  }
}
