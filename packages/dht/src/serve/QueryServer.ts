/**
 * What becomes of the queries of others: within the rate limit they are answered by the item server or the routing table,
 * and their sender is introduced to the table.
 */
import type { DhtAddress } from "../Dht.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import { ErrorCode, isServed, type Query, type UnknownQuery } from "../krpc/krpcMessage.ts"
import type { RoutingTable } from "../table/RoutingTable.ts"
import type { Answer, ItemServer } from "./ItemServer.ts"
import { RateLimit } from "./RateLimit.ts"

export interface QueryServerOptions {
  readonly socket: KrpcSocket
  readonly table: RoutingTable
  readonly items: ItemServer
  /** Answer nobody (BEP 43). */
  readonly readOnly: boolean
  /** Queries a second, from one host and from all. */
  readonly queriesPerHost: number
  readonly queriesTotal: number
  /** Monotonic, in ms. */
  readonly now: () => number
}

/** Hosts whose rate is remembered. */
const rememberedHosts = 4096

export class QueryServer {
  /** Queries answered, and those beyond the rate limit. */
  served = 0
  limited = 0
  private readonly options: QueryServerOptions
  private readonly limit: RateLimit

  constructor(options: QueryServerOptions) {
    this.options = options
    const { queriesPerHost: perHost, queriesTotal: total } = options
    this.limit = new RateLimit({ perHost, total, capacity: rememberedHosts }, options.now())
  }

  handle(query: Query | UnknownQuery, from: DhtAddress): void {
    const { table, items, socket, readOnly, now } = this.options
    const at = now()
    if (!this.limit.allows(from.host, at)) {
      this.limited++
      return
    }
    // BEP 43: who is read-only does not want to be asked anything.
    if (query.ro !== 1n) table.introduce(query.a.id, from)
    if (readOnly) return
    this.served++
    if (!isServed(query)) socket.error(from, query.t, ErrorCode.MethodUnknown, "method unknown")
    else if (query.q === "get") this.answer(query, from, items.get(query.a, from, at))
    else if (query.q === "put") this.answer(query, from, items.put(query.a, from, at))
    else table.serve(query, from)
  }

  private answer(query: Query, from: DhtAddress, answer: Answer): void {
    const { socket } = this.options
    if (answer._tag === "reply") socket.reply(from, query.t, answer.r)
    else socket.error(from, query.t, answer.code, answer.message)
  }
}
