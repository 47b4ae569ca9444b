/**
 * Handles the queries of other nodes: within the rate limit the servers of items and peers answer them, and their sender is introduced
 * to the routing table.
 */
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import { ErrorCode, isServed, type Query, type UnknownQuery } from "../krpc/message.ts"
import type { ReachOf } from "../krpc/nodeId.ts"
import type { DhtAddress } from "../model.ts"
import type { RoutingTable } from "../routing/RoutingTable.ts"
import type { Answer } from "./Answer.ts"
import type { ItemServer } from "./ItemServer.ts"
import type { PeerServer } from "./PeerServer.ts"
import { RateLimit } from "./RateLimit.ts"

export interface QueryServerOptions {
  readonly socket: KrpcSocket
  readonly table: RoutingTable
  readonly items: ItemServer
  readonly peers: PeerServer
  /** Answer no query (BEP 43). */
  readonly readOnly: boolean
  /** Queries per second from one host, and from all. */
  readonly queriesPerHost: number
  readonly queriesTotal: number
  /** Bytes of answers per second to one host, and to all. */
  readonly replyBytesPerHost: number
  readonly replyBytesTotal: number
  /** See `HostRules`. */
  readonly reachOf: ReachOf
  /** Monotonic, in ms. */
  readonly now: () => number
}

/** Hosts whose rate is remembered. */
const MAX_HOSTS = 4096

export class QueryServer {
  /** Queries answered, queries dropped by the limits on queries, and answers dropped by the limits on bytes. */
  served = 0
  limited = 0
  answersLimited = 0
  readonly #options: QueryServerOptions
  readonly #limit: RateLimit

  constructor(options: QueryServerOptions) {
    this.#options = options
    const { reachOf, table } = options
    this.#limit = new RateLimit({
      perHost: options.queriesPerHost,
      total: options.queriesTotal,
      bytesPerHost: options.replyBytesPerHost,
      bytesTotal: options.replyBytesTotal,
      capacity: MAX_HOSTS,
      isKnown: (host) => table.hasHost(host),
      reachOf,
    })
  }

  /** Whether a query of this address may be handled now. Call it once for each query, before it is parsed if possible. */
  admits(from: DhtAddress): boolean {
    if (this.#limit.allows(from.host, this.#options.now())) return true
    this.limited++
    return false
  }

  /** Whether an answer of this length may be sent to the address now. */
  admitsAnswer(to: DhtAddress, bytes: number): boolean {
    if (this.#limit.allowsAnswer(to.host, bytes, this.#options.now())) return true
    this.answersLimited++
    return false
  }

  /** Handles a query that was admitted. */
  handle(query: Query | UnknownQuery, from: DhtAddress): void {
    const { table, items, peers, socket, readOnly, now } = this.#options
    // BEP 43: a read-only node must not be asked anything.
    if (query.ro !== 1n) table.introduce(query.a.id, from)
    if (readOnly) return
    this.served++
    if (!isServed(query)) socket.error(from, query.t, ErrorCode.MethodUnknown, "method unknown")
    else if (query.q === "get") this.#answer(query, from, items.get(query.a, from, now()))
    else if (query.q === "put") this.#answer(query, from, items.put(query.a, from, now()))
    else this.#answer(query, from, peers.answer(query, from, now()))
  }

  #answer(query: Query, from: DhtAddress, answer: Answer | undefined): void {
    const { socket } = this.#options
    if (answer === undefined) return
    if (answer._tag === "reply") socket.reply(from, query.t, answer.r)
    else socket.error(from, query.t, answer.code, answer.message)
  }
}
