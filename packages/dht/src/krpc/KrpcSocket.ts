/**
 * Speaks KRPC over one UDP socket: it matches answers to queries, times out each query by the node's own round trips, and
 * forwards only datagrams that passed {@link parse}. It does not know the routing table or items.
 *
 * A query times out in steps. When the node has taken longer than most nodes do, the query is *late*: a lookup asks another node too. When
 * it has taken longer than its measured round trips explain, it is *slow*: a lookup goes on without it, but an answer still
 * counts. After `roundTripCeiling` it is *lost* and forgotten.
 */
import { randomBytes } from "node:crypto"
import type { Timer, Timers } from "@topic-tracker/common"
import type { DhtAddress } from "../model.ts"
import { type EncodableDictionary, encode } from "./bencode.ts"
import { compactAddress } from "./compactNodes.ts"
import { type KrpcMessage, parse, type Query, type Reply, type UnknownQuery } from "./message.ts"
import { RoundTrips } from "./RoundTrips.ts"
import type { UdpSocket } from "./UdpSocket.ts"
import { UnresponsiveNodes } from "./UnresponsiveNodes.ts"

/** The events of a query. `reply`, `error` and `lost` are final; `slow` may come once before any of them. */
export type QueryEvent =
  | { readonly _tag: "reply"; readonly reply: Reply }
  | { readonly _tag: "error"; readonly code: number }
  | { readonly _tag: "slow" }
  | { readonly _tag: "lost" }

export interface KrpcSocketOptions {
  readonly timers: Timers
  /** In ms, all three: see {@link RoundTrips}. */
  readonly roundTripFloor: number
  readonly roundTripInitial: number
  readonly roundTripCeiling: number
  /** Whether queries sent now carry `ro` (BEP 43): then other nodes must not put us in their tables. */
  readonly isReadOnly: () => boolean
  /** Runs for each well-formed query; the socket itself answers none. */
  readonly onQuery?: (query: Query | UnknownQuery, from: DhtAddress) => void
  /** Whether a query from the address may be handled now. Runs once for each, mostly before it is parsed. Default: always. */
  readonly admitsQuery?: (from: DhtAddress) => boolean
  /** Whether an answer of this length may be sent to the address now. Default: always. */
  readonly admitsAnswer?: (to: DhtAddress, bytes: number) => boolean
  /** Runs for each answer to a query of ours, before the listener of the query. `ip`: our address, as `Response` has it. */
  readonly onReply?: (reply: Reply, from: DhtAddress, ip: Uint8Array | undefined) => void
  /** Runs when a query is lost. */
  readonly onLost?: (address: DhtAddress) => void
}

export interface KrpcCounters {
  packetsSent: number
  packetsReceived: number
  packetsMalformed: number
  /** Answers that match no open query, or come from another address than the one asked. */
  packetsUnexpected: number
  /** Datagrams that the system refused to send. */
  sendFailures: number
}

interface Transaction {
  readonly address: DhtAddress
  readonly key: string
  readonly sentAt: number
  readonly onEvent: (event: QueryEvent) => void
  /** Undefined also after it ran. */
  onLate: (() => void) | undefined
  /** The query is slow after this time (ms) at the earliest. */
  readonly patience: number
  slow: boolean
}

/** No KRPC message is longer: larger datagrams are dropped unread. */
const MAX_DATAGRAM_BYTES = 4096

/** The shortest time between two checks of the open queries. A time-out is late by at most this time. */
const CHECK_MS = 5

/** Addresses whose round trips are remembered: some 100 bytes each. */
const MAX_ADDRESSES = 4096

const SLOW: QueryEvent = { _tag: "slow" }
const LOST: QueryEvent = { _tag: "lost" }

export class KrpcSocket {
  readonly counters: KrpcCounters = {
    packetsSent: 0,
    packetsReceived: 0,
    packetsMalformed: 0,
    packetsUnexpected: 0,
    sendFailures: 0,
  }
  readonly roundTrips: RoundTrips
  /** The bound address, also after {@link close}. */
  readonly address: DhtAddress

  private readonly unresponsive = new UnresponsiveNodes()
  private readonly udp: UdpSocket
  private readonly options: KrpcSocketOptions
  private readonly transactions = new Map<number, Transaction>()
  private checkTimer: Timer | undefined
  private isChecking = false
  private closed = false

  /** Receives from now on. Run {@link close} at the end. */
  constructor(udp: UdpSocket, options: KrpcSocketOptions) {
    this.udp = udp
    this.options = options
    this.address = udp.address
    this.roundTrips = new RoundTrips({
      floor: options.roundTripFloor,
      initial: options.roundTripInitial,
      ceiling: options.roundTripCeiling,
      capacity: MAX_ADDRESSES,
    })
    udp.receive((datagram, from) => this.receive(datagram, from))
  }

  /** Queries without a final event. */
  get open(): number {
    return this.transactions.size
  }

  /** Whether the address did not answer in the last minute. */
  isUnresponsive(address: DhtAddress): boolean {
    return this.unresponsive.has(addressKey(address), this.options.timers.now())
  }

  /** Our own network failed: no address is to blame. */
  forgetUnresponsive(): void {
    this.unresponsive.forgetAll()
  }

  /**
   * Sends a query. Its listeners never run before this call returns. `onLate` runs when the answer is late, once and before all
   * events; never if it comes or is slow by then. The query is not slow before `patience` ms have passed, for answers that take a node more
   * work than others. Every query of a closed socket is lost.
   */
  query(
    address: DhtAddress,
    method: string,
    a: EncodableDictionary,
    onEvent: (event: QueryEvent) => void,
    onLate?: () => void,
    patience = 0,
  ): void {
    if (this.closed) {
      // Not by the timers: they may have ended too.
      queueMicrotask(() => onEvent(LOST))
      return
    }
    const id = this.unusedId()
    const key = addressKey(address)
    const sentAt = this.options.timers.now()
    this.transactions.set(id, { address, key, sentAt, onEvent, onLate, patience, slow: false })
    const t = new Uint8Array(4)
    for (let i = 0; i < 4; i++) t[i] = id >>> (24 - 8 * i)
    // In the order of keys that bencoding has, which saves the sorting.
    const datagram = encode({ a, q: method, ro: this.options.isReadOnly() ? 1 : undefined, t, y: "q" })
    this.send(address, datagram, () => this.settle(id, LOST))
    const { roundTrips } = this
    const firstStep = onLate === undefined ? Math.max(patience, roundTrips.timeout(key)) : roundTrips.lateAfter(key)
    this.checkAt(sentAt + Math.max(CHECK_MS, firstStep))
  }

  /** Answers a query. The answer names the address from which the query came (BEP 42). */
  reply(address: DhtAddress, t: Uint8Array, r: EncodableDictionary): void {
    this.sendAnswer(address, encode({ ip: compactAddress(address), r, t, y: "r" }))
  }

  /** Answers a query with an error. */
  error(address: DhtAddress, t: Uint8Array, code: number, message: string): void {
    this.sendAnswer(address, encode({ e: [code, message], t, y: "e" }))
  }

  private sendAnswer(address: DhtAddress, datagram: Uint8Array): void {
    if (this.options.admitsAnswer?.(address, datagram.length) !== false) this.send(address, datagram)
  }

  private send(address: DhtAddress, datagram: Uint8Array, onFailure?: () => void): void {
    if (this.closed) return
    this.counters.packetsSent++
    this.udp.send(datagram, address, () => {
      if (this.closed) return
      this.counters.sendFailures++
      onFailure?.()
    })
  }

  private receive(datagram: Uint8Array, from: DhtAddress): void {
    if (this.closed) return
    this.counters.packetsReceived++
    // Most datagrams of a flood are dropped here, for a hundredth of the time that reading them takes.
    const isQuery = endsAsQuery(datagram)
    if (isQuery && !this.admits(from)) return
    const message = from.port === 0 || datagram.length > MAX_DATAGRAM_BYTES ? undefined : parse(datagram)
    if (message === undefined) {
      this.counters.packetsMalformed++
      return
    }
    if (message.y !== "q") this.answer(message, from)
    else if (isQuery || this.admits(from)) this.options.onQuery?.(message, from)
  }

  private admits(from: DhtAddress): boolean {
    return this.options.admitsQuery?.(from) !== false
  }

  private answer(message: Extract<KrpcMessage, { y: "r" | "e" }>, from: DhtAddress): void {
    const id = transactionId(message.t)
    const transaction = id === undefined ? undefined : this.transactions.get(id)
    const { host, port } = transaction?.address ?? {}
    if (id === undefined || transaction === undefined || host !== from.host || port !== from.port) {
      this.counters.packetsUnexpected++
      return
    }
    const now = this.options.timers.now()
    this.roundTrips.answered(transaction.key, now - transaction.sentAt)
    this.unresponsive.answered(transaction.key)
    if (message.y === "e") {
      this.settle(id, { _tag: "error", code: Number(message.e[0]) })
    } else {
      this.options.onReply?.(message.r, from, message.ip)
      this.settle(id, { _tag: "reply", reply: message.r })
    }
    // The answer may have shortened the times of unknown addresses. The oldest query is the first to reach them.
    for (const { onLate, sentAt } of this.transactions.values()) {
      const wait = onLate === undefined ? this.roundTrips.timeoutOfUnknown : this.roundTrips.lateAfterOfUnknown
      this.checkAt(Math.max(now + CHECK_MS, sentAt + wait))
      break
    }
  }

  private settle(id: number, event: QueryEvent): void {
    const transaction = this.transactions.get(id)
    if (transaction === undefined) return
    this.transactions.delete(id)
    if (event._tag === "lost") {
      const { address, key } = transaction
      this.unresponsive.lost(key, this.roundTrips.missed(key), this.options.timers.now())
      this.options.onLost?.(address)
    }
    transaction.onEvent(event)
  }

  private unusedId(): number {
    for (;;) {
      const id = randomUint32()
      if (!this.transactions.has(id)) return id
    }
  }

  /** Checks the open queries at this time, unless a check comes before. */
  private checkAt(at: number): void {
    if (this.isChecking || this.closed || this.transactions.size === 0) return
    if (this.checkTimer !== undefined) {
      if (this.checkTimer.at <= at) return
      this.options.timers.cancel(this.checkTimer)
    }
    const { timers } = this.options
    this.checkTimer = timers.schedule(Math.max(0, at - timers.now()), () => {
      this.checkTimer = undefined
      this.isChecking = true
      this.udp.afterArrived(() => {
        this.isChecking = false
        if (!this.closed) this.checkAt(this.check())
      })
    })
  }

  /** Ends the queries that took too long, and returns the time at which the next one does. */
  private check(): number {
    const now = this.options.timers.now()
    const { roundTripCeiling } = this.options
    let nextIn = roundTripCeiling
    this.transactions.forEach((transaction, id) => {
      const { key, patience, sentAt } = transaction
      const waited = now - sentAt
      if (waited >= roundTripCeiling) {
        // If the time-out is the ceiling, the query was never slow: its loss is counted here.
        if (!transaction.slow) this.roundTrips.lost(key)
        this.settle(id, LOST)
        return
      }
      const timeout = transaction.slow ? roundTripCeiling : Math.max(patience, this.roundTrips.timeout(key))
      if (waited < timeout) {
        const { onLate } = transaction
        const lateIn = onLate === undefined ? 0 : this.roundTrips.lateAfter(key) - waited
        nextIn = Math.min(nextIn, lateIn > 0 ? lateIn : timeout - waited)
        if (onLate === undefined || lateIn > 0) return
        transaction.onLate = undefined
        onLate()
        return
      }
      transaction.onLate = undefined
      transaction.slow = true
      this.roundTrips.lost(key)
      this.unresponsive.slow(key)
      nextIn = Math.min(nextIn, roundTripCeiling - waited)
      transaction.onEvent(SLOW)
    })
    return now + Math.max(CHECK_MS, nextIn)
  }

  /** Stops. Open queries are lost at once. The UDP socket stays open: its owner closes it. */
  close(): void {
    this.closed = true
    if (this.checkTimer !== undefined) this.options.timers.cancel(this.checkTimer)
    for (const id of this.transactions.keys()) this.settle(id, LOST)
  }
}

/** The key under which an address is counted and remembered. */
export const addressKey = (address: DhtAddress): string => `${address.host}:${address.port}`

const transactionId = (t: Uint8Array): number | undefined =>
  t.length === 4 ? ((t[0]! << 24) | (t[1]! << 16) | (t[2]! << 8) | t[3]!) >>> 0 : undefined

/** The last key of a query, which in bencoding with ordered keys is its end. */
const QUERY_END = new TextEncoder().encode("1:y1:qe")

const endsAsQuery = (datagram: Uint8Array): boolean => {
  const from = datagram.length - QUERY_END.length
  return from >= 0 && QUERY_END.every((byte, i) => byte === datagram[from + i])
}

let pool = Buffer.alloc(0)
let used = 0

/**
 * A transaction id, 0 to 2^32 - 1. It must not be guessable: a sender that does not see our packets must not be able to answer
 * in the name of another. From a pool of random bytes, because one system call then serves a thousand ids.
 */
const randomUint32 = (): number => {
  if (used + 4 > pool.length) {
    pool = randomBytes(4096)
    used = 0
  }
  used += 4
  return pool.readUInt32BE(used - 4)
}
