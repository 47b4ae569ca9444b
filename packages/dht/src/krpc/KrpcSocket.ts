/**
 * One UDP socket that speaks KRPC: it matches answers to queries, gives up on nodes after a time fit for each, and hands on
 * only datagrams that passed {@link parse}. It knows no routing table and no items.
 *
 * A query is given up in two steps. When the node has taken longer than its measured round trips explain, the query is
 * *slow*: a walk goes on without it, but an answer still counts. After `roundTripCeiling` it is *lost* and forgotten.
 */
import type { RemoteInfo, Socket } from "node:dgram"
import { Effect } from "effect"
import type { DhtAddress } from "../Dht.ts"
import { Absentees } from "./Absentees.ts"
import { type EncodableDictionary, encode } from "./bencode.ts"
import { bindSocket } from "./bindSocket.ts"
import { type KrpcMessage, parse, type Query, type Reply, type UnknownQuery } from "./krpcMessage.ts"
import { RoundTrips } from "./RoundTrips.ts"
import { randomUint32 } from "./randomUint32.ts"

/** What becomes of a query. `reply`, `error` and `lost` are final; `slow` may come once before any of them. */
export type QueryEvent =
  | { readonly _tag: "reply"; readonly reply: Reply }
  | { readonly _tag: "error"; readonly code: number }
  | { readonly _tag: "slow" }
  | { readonly _tag: "lost" }

export interface KrpcSocketOptions {
  readonly host: string
  readonly port: number
  /** In ms, all three: see {@link RoundTrips}. */
  readonly roundTripFloor: number
  readonly roundTripInitial: number
  readonly roundTripCeiling: number
  /** Whether to send `ro` with queries now (BEP 43): then others shall not put us in their tables. */
  readonly isReadOnly: () => boolean
  /** Monotonic, in ms. */
  readonly now: () => number
}

export interface KrpcCounters {
  packetsSent: number
  packetsReceived: number
  packetsMalformed: number
  /** Answers to no query of ours, or from another address than was asked. */
  packetsUnexpected: number
  /** Datagrams the system refused to send. */
  sendFailures: number
}

interface Transaction {
  readonly address: DhtAddress
  readonly key: string
  readonly sentAt: number
  readonly onEvent: (event: QueryEvent) => void
  slow: boolean
}

/** No KRPC message is longer: larger datagrams are dropped unread. */
const maxDatagram = 4096

/** How often open queries are looked at, in ms; a time-out is late by at most this much and what `readingTurns` take. */
const sweepInterval = 5

/** A turn of the event loop hands on at most 32 datagrams. So many turns may go by before a sweep, as long as each brings some. */
const readingTurns = 32

/** Addresses whose round trips are remembered: some 100 bytes each. */
const rememberedAddresses = 4096

const slow: QueryEvent = { _tag: "slow" }
const lost: QueryEvent = { _tag: "lost" }

export class KrpcSocket {
  readonly counters: KrpcCounters = {
    packetsSent: 0,
    packetsReceived: 0,
    packetsMalformed: 0,
    packetsUnexpected: 0,
    sendFailures: 0,
  }
  readonly roundTrips: RoundTrips
  /** Where it is bound, or was when it is closed. */
  readonly address: DhtAddress
  /** Called with each well-formed query; the socket answers none itself. */
  onQuery: (query: Query | UnknownQuery, from: DhtAddress) => void = () => {}
  /** Called with each answer to a query of ours, before the query's own listener. */
  onReply: (reply: Reply, from: DhtAddress) => void = () => {}
  /** Called when a query is lost. */
  onLost: (address: DhtAddress) => void = () => {}

  private readonly absentees = new Absentees()
  private readonly socket: Socket
  private readonly options: KrpcSocketOptions
  private readonly transactions = new Map<number, Transaction>()
  private sweepTimer: NodeJS.Timeout | undefined
  private closed = false

  private constructor(socket: Socket, options: KrpcSocketOptions) {
    this.socket = socket
    this.options = options
    const { address: host, port } = socket.address()
    this.address = { host, port }
    this.roundTrips = new RoundTrips({
      floor: options.roundTripFloor,
      initial: options.roundTripInitial,
      ceiling: options.roundTripCeiling,
      capacity: rememberedAddresses,
    })
    socket.on("message", (datagram, from) => this.receive(datagram, from))
    socket.on("error", () => this.counters.sendFailures++)
  }

  /** The socket, bound; when the scope ends it is closed, and what is open is lost. */
  static readonly make = (options: KrpcSocketOptions) =>
    Effect.acquireRelease(
      Effect.map(bindSocket(options), (socket) => new KrpcSocket(socket, options)),
      (socket) => socket.close(),
    )

  /** Queries without a final event. */
  get open(): number {
    return this.transactions.size
  }

  /** Whether the address has lately failed to answer. */
  isAbsent(address: DhtAddress): boolean {
    return this.absentees.has(addressKey(address), this.options.now())
  }

  /** Our own network failed: no address is to blame. */
  forgetAbsences(): void {
    this.absentees.forget()
  }

  /** Sends a query. Its listener is never called before this returns; of a closed socket every query is lost. */
  query(address: DhtAddress, method: string, a: EncodableDictionary, onEvent: (event: QueryEvent) => void): void {
    if (this.closed) {
      queueMicrotask(() => onEvent(lost))
      return
    }
    const id = this.unusedId()
    this.transactions.set(id, {
      address,
      key: addressKey(address),
      sentAt: this.options.now(),
      onEvent,
      slow: false,
    })
    const t = new Uint8Array(4)
    for (let i = 0; i < 4; i++) t[i] = id >>> (24 - 8 * i)
    // In bencoding's order of keys, which spares the sorting.
    this.send(address, { a, q: method, ro: this.options.isReadOnly() ? 1 : undefined, t, y: "q" }, () =>
      this.settle(id, lost),
    )
    this.arm()
  }

  /** Answers a query. */
  reply(address: DhtAddress, t: Uint8Array, r: EncodableDictionary): void {
    this.send(address, { r, t, y: "r" })
  }

  /** Answers a query with an error. */
  error(address: DhtAddress, t: Uint8Array, code: number, message: string): void {
    this.send(address, { e: [code, message], t, y: "e" })
  }

  private send(address: DhtAddress, message: EncodableDictionary, onFailure?: () => void): void {
    if (this.closed) return
    this.counters.packetsSent++
    this.socket.send(encode(message), address.port, address.host, (error) => {
      if (error === null || this.closed) return
      this.counters.sendFailures++
      onFailure?.()
    })
  }

  private receive(datagram: Buffer, from: RemoteInfo): void {
    if (this.closed) return
    this.counters.packetsReceived++
    // A plain view: a Buffer's slice shares memory, which would surprise whoever keeps a value.
    const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length)
    const message = from.port === 0 || bytes.length > maxDatagram ? undefined : parse(bytes)
    if (message === undefined) {
      this.counters.packetsMalformed++
      return
    }
    const address = { host: from.address, port: from.port }
    if (message.y === "q") this.onQuery(message, address)
    else this.answer(message, address)
  }

  private answer(message: Extract<KrpcMessage, { y: "r" | "e" }>, from: DhtAddress): void {
    const id = transactionId(message.t)
    const transaction = id === undefined ? undefined : this.transactions.get(id)
    const { host, port } = transaction?.address ?? {}
    if (id === undefined || transaction === undefined || host !== from.host || port !== from.port) {
      this.counters.packetsUnexpected++
      return
    }
    this.roundTrips.answered(transaction.key, this.options.now() - transaction.sentAt)
    this.absentees.answered(transaction.key)
    if (message.y === "e") {
      this.settle(id, { _tag: "error", code: Number(message.e[0]) })
    } else {
      this.onReply(message.r, from)
      this.settle(id, { _tag: "reply", reply: message.r })
    }
  }

  private settle(id: number, event: QueryEvent): void {
    const transaction = this.transactions.get(id)
    if (transaction === undefined) return
    this.transactions.delete(id)
    if (event._tag === "lost") {
      this.absentees.lost(transaction.key, this.roundTrips.missed(transaction.key), this.options.now())
      this.onLost(transaction.address)
    }
    transaction.onEvent(event)
  }

  /** Random, so that who cannot see our packets cannot answer in another's name. */
  private unusedId(): number {
    for (;;) {
      const id = randomUint32()
      if (!this.transactions.has(id)) return id
    }
  }

  /** Sweeps run only while a query is open. */
  private arm(): void {
    if (this.sweepTimer !== undefined || this.closed) return
    this.sweepTimer = setTimeout(() => this.sweepOnceRead(readingTurns), sweepInterval)
  }

  /** After a stall of the event loop the answers wait in the socket's buffer: let them in before judging. */
  private sweepOnceRead(turns: number): void {
    const { packetsReceived } = this.counters
    setImmediate(() => {
      if (this.counters.packetsReceived > packetsReceived && turns > 1) return this.sweepOnceRead(turns - 1)
      this.sweepTimer = undefined
      this.sweep()
      if (this.transactions.size > 0) this.arm()
    })
  }

  private sweep(): void {
    const now = this.options.now()
    this.transactions.forEach((transaction, id) => {
      const waited = now - transaction.sentAt
      if (waited >= this.options.roundTripCeiling) {
        // Who is given all the time there is was not slow before.
        if (!transaction.slow) this.roundTrips.lost(transaction.key)
        this.settle(id, lost)
      } else if (!transaction.slow && waited >= this.roundTrips.timeout(transaction.key)) {
        transaction.slow = true
        this.roundTrips.lost(transaction.key)
        this.absentees.slow(transaction.key)
        transaction.onEvent(slow)
      }
    })
  }

  private close(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      this.closed = true
      clearTimeout(this.sweepTimer)
      for (const id of this.transactions.keys()) this.settle(id, lost)
      this.socket.close(() => resume(Effect.void))
    })
  }
}

/** The key under which an address is counted and remembered. */
export const addressKey = (address: DhtAddress): string => `${address.host}:${address.port}`

const transactionId = (t: Uint8Array): number | undefined =>
  t.length === 4 ? ((t[0]! << 24) | (t[1]! << 16) | (t[2]! << 8) | t[3]!) >>> 0 : undefined
