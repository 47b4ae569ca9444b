/**
 * The `Dht` service over UDP: puts together the socket, the routing table, the walks and the store for others. One scope
 * owns them all.
 */
import { Crypto } from "@topic-tracker/crypto"
import { Cause, Clock, Deferred, Duration, Effect, Queue, Schedule, type Scope, Stream } from "effect"
import { invalidKey, invalidPut } from "./arguments.ts"
import { encode } from "./bencode.ts"
import type { Dht, DhtAddress, MutableItem, MutableKey, PutReceipt, PutRequest } from "./Dht.ts"
import { type DhtOptions, resolve, retrySchedule } from "./DhtConfig.ts"
import { DhtError } from "./DhtError.ts"
import { type Answer, ItemServer } from "./ItemServer.ts"
import { KrpcSocket } from "./KrpcSocket.ts"
import { ErrorCode, type Query, type UnknownQuery } from "./krpcMessage.ts"
import { Lookups } from "./Lookups.ts"
import { signable, targetOf, valueBytes } from "./mutableItem.ts"
import { type DhtNode, secureNodeId } from "./nodeId.ts"
import { receipt, sendPuts } from "./puts.ts"
import { RateLimit } from "./RateLimit.ts"
import { RoutingTable } from "./RoutingTable.ts"
import { resolveAddresses } from "./resolveAddresses.ts"
import { Turns } from "./Turns.ts"

/** The service, and what the testnet needs beside it. */
export interface UdpNode {
  readonly service: Dht["Service"]
  readonly node: DhtNode
  readonly add: (node: DhtNode) => void
}

/** Hosts whose rate is remembered. */
const rememberedHosts = 4096

/** When the table is filled by a walk of its own, in ms after the start. */
const populateDelay = 1000

/** BEP 5 peers kept for others, over all info hashes. */
const peersMax = 10_000

/** The `Dht` service over UDP. */
export const makeUdpDht = (
  options: Partial<DhtOptions>,
): Effect.Effect<Dht["Service"], DhtError, Scope.Scope | Crypto> =>
  Effect.map(makeUdpNode(options), ({ service }) => service)

/** A node with its service; see {@link makeUdpDht}. */
export const makeUdpNode = Effect.fnUntraced(function* (
  partial: Partial<DhtOptions>,
): Effect.fn.Return<UdpNode, DhtError, Scope.Scope | Crypto> {
  const options = yield* resolve(partial)
  const crypto = yield* Crypto
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1000n) / 1000

  const loopbackOnly = options.bootstrap.length > 0 && options.bootstrap.every(({ host }) => isLoopback(host))
  const host = loopbackOnly && options.host === "0.0.0.0" ? "127.0.0.1" : options.host
  const socket = yield* KrpcSocket.make({
    host,
    port: options.port,
    roundTripFloor: Duration.toMillis(options.roundTripFloor),
    roundTripInitial: Duration.toMillis(options.roundTripInitial),
    roundTripCeiling: Duration.toMillis(options.roundTripCeiling),
    readOnly: options.readOnly,
    now,
  })
  const bootstrap = yield* resolveAddresses(options.bootstrap)
  const id = secureNodeId(host, yield* crypto.randomBytes(20))
  const table = yield* RoutingTable.make({ socket, id, maxPeers: peersMax })
  const server = new ItemServer({
    id,
    equalSeq: options.equalSeq,
    crypto,
    secret: yield* crypto.randomBytes(32),
    maxItems: options.storedItemsMax,
    ttl: Duration.toMillis(options.storedItemTtl),
    closest: (target, count) => table.closest(target, count),
  })
  const turns = new Turns(options.maxOpenQueries)
  const lookups = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Lookups({
          socket,
          crypto,
          id,
          k: options.k,
          alpha: options.alpha,
          turns,
          maxQueriesPerWalk: options.maxQueriesPerWalk,
          now,
          start: (target) => {
            const nodes = table.closest(target, options.k)
            return table.size < options.k
              ? { nodes: [...nodes, ...options.knownNodes], addresses: bootstrap.addresses }
              : { nodes, addresses: [] }
          },
        }),
    ),
    (all) => Effect.sync(() => all.close()),
  )
  const limit = new RateLimit(
    { perHost: options.queriesPerHost, total: options.queriesTotal, capacity: rememberedHosts },
    now(),
  )
  const counts = { gets: 0, puts: 0, served: 0, limited: 0 }

  const serve = (query: Query | UnknownQuery, from: DhtAddress): void => {
    if (!limit.allows(from.host, now())) {
      counts.limited++
      return
    }
    // BEP 43: who is read-only does not want to be asked, and who only reads answers nobody.
    if (query.ro !== 1n) table.introduce(query.a.id, from)
    if (options.readOnly) return
    counts.served++
    if (isKnown(query)) {
      if (query.q === "get") answer(server.get(query.a, from, now()))
      else if (query.q === "put") answer(server.put(query.a, from, now()))
      else table.serve(query, from)
    } else {
      socket.error(from, query.t, ErrorCode.MethodUnknown, "method unknown")
    }

    function answer(result: Answer): void {
      if (result._tag === "reply") socket.reply(from, query.t, result.r)
      else socket.error(from, query.t, result.code, result.message)
    }
  }

  const firstNode = yield* Deferred.make<void>()
  socket.onQuery = serve
  socket.onReply = (reply, from) => table.answered(reply, from)
  socket.onLost = (address) => table.lost(address)
  table.onNode = () => Deferred.doneUnsafe(firstNode, Effect.void)
  for (const node of options.knownNodes) table.ping(node)

  const isClosed = yield* Effect.acquireRelease(Effect.succeed({ value: false }), (closed) =>
    Effect.sync(() => {
      closed.value = true
    }),
  )

  /** One walk. Interrupting it leaves the walk to others that wait for it, or stops it. */
  const walk = (target: Uint8Array, key: MutableKey | undefined): Stream.Stream<MutableItem, DhtError> =>
    Stream.callback<MutableItem, DhtError>((queue) =>
      Effect.gen(function* () {
        if (isClosed.value) return yield* closedError
        if (table.size === 0) yield* bootstrap.known
        const subscription = yield* Effect.acquireRelease(
          Effect.sync(() =>
            lookups.subscribe(target, key, {
              item: (item) => Queue.offerUnsafe(queue, item),
              end: ({ asked, heard, closed }) => {
                if (closed) Queue.failCauseUnsafe(queue, Cause.fail(closedError))
                else if (heard > 0) Queue.endUnsafe(queue)
                else Queue.failCauseUnsafe(queue, Cause.fail(nobodyAnswered(asked, table.size)))
              },
            }),
          ),
          ({ cancel }) => Effect.sync(cancel),
        )
        yield* Effect.sleep(options.getTimeout)
        if (subscription.heard() > 0) Queue.endUnsafe(queue)
        else Queue.failCauseUnsafe(queue, Cause.fail(tooLong("get", options.getTimeout)))
      }),
    )

  /** What others have put here is as good an answer as theirs. */
  const ownItem = (target: Uint8Array, key: MutableKey): ReadonlyArray<MutableItem> => {
    const stored = server.store.get(target, now())
    if (stored === undefined || !("seq" in stored)) return []
    const value = valueBytes(stored.encodedValue)
    return value === undefined ? [] : [{ ...key, seq: stored.seq, value, signature: stored.signature }]
  }

  const get = (key: MutableKey): Stream.Stream<MutableItem, DhtError> =>
    Stream.suspend(() => {
      const invalid = invalidKey(key)
      if (invalid !== undefined) return Stream.fail(invalid)
      counts.gets++
      const target = targetOf(key.publicKey, key.salt)
      // A retry finds again what an earlier attempt has emitted.
      const seen = new Set<string>()
      return Stream.fromIterable(ownItem(target, key)).pipe(
        Stream.concat(
          Stream.retry(
            walk(target, key),
            retryWhile(options, ({ reason }) => reason !== "Closed"),
          ),
        ),
        Stream.filter((item) => {
          const name = `${item.seq}/${String.fromCharCode(...item.value)}`
          if (seen.has(name)) return false
          seen.add(name)
          return true
        }),
      )
    })

  const putOnce = Effect.fnUntraced(function* (target: Uint8Array, request: PutRequest, signature: Uint8Array) {
    const { salt, seq, cas, key, value } = request
    const message = { id, target, k: key.publicKey, salt, seq, cas, v: value, sig: signature }
    const cached = lookups.closest(target)
    if (cached !== undefined) {
      const outcome = yield* sendPuts(socket, turns, cached, message)
      if (outcome.stored > 0 || !outcome.stale) return outcome
      // The tokens were refused or nobody is there any more: the nodes must be found anew.
      lookups.forget(target)
    }
    yield* Stream.runDrain(walk(target, { publicKey: key.publicKey, ...(salt === undefined ? {} : { salt }) }))
    return yield* sendPuts(socket, turns, lookups.closest(target) ?? [], message)
  })

  const put = Effect.fn("Dht.put")(function* (request: PutRequest): Effect.fn.Return<PutReceipt, DhtError> {
    const invalid = invalidPut(request)
    if (invalid !== undefined) return yield* invalid
    counts.puts++
    const target = targetOf(request.key.publicKey, request.salt)
    const signature = crypto.sign(request.key, signable(request.salt, request.seq, encode(request.value)))
    return yield* putOnce(target, request, signature).pipe(
      Effect.flatMap(receipt),
      Effect.timeoutOrElse({
        duration: options.putTimeout,
        orElse: () => Effect.fail(tooLong("put", options.putTimeout)),
      }),
      // Who was refused because others hold another item will be refused again: only silence is worth another attempt.
      Effect.retry(retryWhile(options, ({ reason }) => reason !== "Rejected" && reason !== "Closed")),
    )
  })

  /** A walk to our own id: it fills the table with the nodes around us. */
  const populate = Stream.runDrain(walk(id, undefined))
  const bootstrapped = Effect.suspend(() =>
    table.size > 0 ? Effect.void : Effect.raceFirst(populate, Deferred.await(firstNode)),
  )
  // Later: who starts with a get or put has the socket to itself, and their walks fill the table just as well.
  yield* Effect.forkScoped(Effect.ignore(Effect.delay(populate, populateDelay)))

  return {
    node: { id, host: reachableHost(socket.address.host), port: socket.address.port },
    add: (node) => table.add(node),
    service: {
      get,
      put,
      bootstrapped,
      address: Effect.sync(() => socket.address),
      stats: Effect.sync(() => ({
        nodes: table.size,
        packetsSent: socket.counters.packetsSent,
        packetsReceived: socket.counters.packetsReceived,
        packetsMalformed: socket.counters.packetsMalformed,
        gets: counts.gets,
        puts: counts.puts,
        walks: lookups.walks,
        itemsInvalid: lookups.invalidItems,
        itemsStored: server.store.size,
        queriesServed: counts.served,
        queriesLimited: counts.limited,
      })),
      snapshot: Effect.sync(() => table.nodes),
    },
  }
})

const isLoopback = (host: string): boolean => host === "localhost" || host.startsWith("127.")

/** Where others in the same machine reach a socket bound to all addresses. */
const reachableHost = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host)

const isKnown = (query: Query | UnknownQuery): query is Query => knownMethods.has(query.q)
const knownMethods = new Set(["ping", "find_node", "get_peers", "announce_peer", "get", "put"])

const retryWhile = (options: DhtOptions, again: (error: DhtError) => boolean) =>
  retrySchedule(options).pipe(
    Schedule.setInputType<DhtError>(),
    Schedule.while(({ input }) => again(input)),
  )

const closedError = new DhtError({ reason: "Closed", message: "the DHT client is closed: its scope has ended" })

const nobodyAnswered = (asked: number, nodes: number): DhtError =>
  asked === 0
    ? new DhtError({
        reason: "NoNodes",
        message: "bootstrap: no node to ask; none was given or no name could be resolved",
      })
    : nodes === 0
      ? new DhtError({ reason: "NoNodes", message: `bootstrap: none of the ${asked} nodes asked answered` })
      : new DhtError({ reason: "Timeout", message: `none of the ${asked} nodes asked answered` })

const tooLong = (what: string, limit: Duration.Duration): DhtError =>
  new DhtError({ reason: "Timeout", message: `${what}: no answer within ${Duration.format(limit)}` })
