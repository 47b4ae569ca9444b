/**
 * Builds the `Dht` service over UDP from its parts: socket, routing table, lookups and the store for other nodes. One scope owns
 * them all.
 */
import { Timers } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Clock, Deferred, Duration, Effect, Option, Random, type Scope } from "effect"
import { KeyValueStore } from "effect/persistence/KeyValueStore"
import { VerifiedItems } from "./bep44/VerifiedItems.ts"
import { type DhtOptions, type DhtOptionsInput, isLoopbackOnly, resolve } from "./DhtConfig.ts"
import type { DhtError } from "./DhtError.ts"
import { makeItemClient } from "./ItemClient.ts"
import { HostRules } from "./krpc/HostRules.ts"
import { KrpcSocket } from "./krpc/KrpcSocket.ts"
import { isPrivateHost, type ReachOf, secureNodeId } from "./krpc/nodeId.ts"
import { OwnAddress } from "./krpc/OwnAddress.ts"
import { type UdpSocket, UdpSockets } from "./krpc/UdpSocket.ts"
import { Density } from "./lookup/Density.ts"
import { LookupManager } from "./lookup/LookupManager.ts"
import { QueryScheduler } from "./lookup/QueryScheduler.ts"
import type { DhtAddress, DhtNode, DhtService } from "./model.ts"
import { greetBootstrap, resolveBootstrap } from "./routing/bootstrap.ts"
import { keepPopulated } from "./routing/keepPopulated.ts"
import { RememberedNodes } from "./routing/RememberedNodes.ts"
import { RoutingTable } from "./routing/RoutingTable.ts"
import { ItemServer } from "./serve/ItemServer.ts"
import { PeerServer } from "./serve/PeerServer.ts"
import { PeerStore } from "./serve/PeerStore.ts"
import { QueryServer } from "./serve/QueryServer.ts"
import { Tokens } from "./serve/Tokens.ts"
import { inKeyValueStore, keep, load, type NodeStorage } from "./storage/NodeStorage.ts"
import { inFile } from "./storage/nodesFile.ts"

/** The service, and what the testnet needs with it. */
export interface UdpNode {
  readonly service: DhtService
  readonly node: DhtNode
  /** Adds a node that is known to be alive to the routing table. */
  readonly addNode: (node: DhtNode) => void
}

/** The remembered nodes with which a lookup begins, beside those of the table. They may all be gone. */
const REMEMBERED_PER_LOOKUP = 8

/** Nodes named by bootstrap nodes that are remembered until the table has enough. */
const MAX_NAMED = 128

/** Peers of BEP 5 kept for others, over all info hashes. */
const MAX_PEERS = 10_000

/** A node with its service. */
export const makeUdpNode = Effect.fnUntraced(
  function* (input: DhtOptionsInput): Effect.fn.Return<UdpNode, DhtError, Scope.Scope | Crypto> {
    const options = yield* resolve(input)
    const { bind } = yield* UdpSockets
    const { reachOf } = yield* HostRules
    const random = yield* Random.Random
    const clock = yield* Clock.Clock
    const timers = yield* Timers.make
    const crypto = yield* Crypto
    const tokenSecret = yield* crypto.randomBytes(32)
    const randomId = yield* crypto.randomBytes(20)
    const firstNode = yield* Deferred.make<void>()
    const newId = yield* Deferred.make<void>()

    const udp = yield* Effect.acquireRelease(
      bind({ host: bindHost(options), port: options.port }),
      (socket) => socket.close,
    )
    const bootstrap = yield* resolveBootstrap(options.bootstrap)
    const storage = yield* storageOf(options)
    const kept = storage === undefined ? [] : yield* load(storage, udp.address.host)
    // Nobody knows when the program's nodes answered: they are kept only if they do in this run.
    const remembered = new RememberedNodes([...options.knownNodes.map((node) => ({ ...node, seenAt: 0 })), ...kept])
    const id = secureNodeId(udp.address.host, randomId, reachOf)
    const parts = yield* Effect.acquireRelease(
      Effect.sync(() =>
        connectParts({
          options,
          udp,
          timers,
          crypto,
          random: () => random.nextDoubleUnsafe(),
          reachOf,
          tokenSecret,
          id,
          remembered,
          addresses: bootstrap.addresses,
          onFirstNode: () => Deferred.doneUnsafe(firstNode, Effect.void),
          onNewId: () => Deferred.doneUnsafe(newId, Effect.void),
        }),
      ),
      ({ close }) => close,
    )
    const { socket, table, lookups, scheduler, items, server, onGreeted } = parts
    const { get, put, populate, counts } = makeItemClient({
      options,
      clock,
      timers,
      crypto,
      socket,
      table,
      lookups,
      scheduler,
      items,
      bootstrapKnown: remembered.size > 0 ? Effect.void : bootstrap.known,
      onNoneAnswered: bootstrap.resolveAgain,
    })

    const populateTable = Effect.tap(populate, () => Effect.sync(parts.onPopulated))
    const hasLookup = () => lookups.begun > 0
    table.greet(remembered.closest(id, remembered.size))
    // In the background: most programs have something else to do before their first get or put.
    yield* Effect.forkScoped(greetBootstrap({ bootstrap, socket, id, reachOf, hasLookup, onAnswer: onGreeted }), {
      startImmediately: true,
    })
    if (storage !== undefined) {
      yield* keep(
        storage,
        Effect.map(Clock.currentTimeMillis, (now) => remembered.toKeep(now)),
      )
    }
    const isBusy = () => lookups.isRunning
    yield* Effect.forkScoped(
      keepPopulated({ populate: populateTable, isBusy, id: () => table.id, newId: Deferred.await(newId) }),
    )

    return {
      node: { id, host: reachableHost(udp.address.host), port: udp.address.port },
      addNode: (node) => table.add(node),
      service: {
        get,
        put,
        bootstrapped: Effect.suspend(() =>
          table.size > 0 ? Effect.void : Effect.raceFirst(populateTable, Deferred.await(firstNode)),
        ),
        address: Effect.sync(() => socket.address),
        stats: Effect.sync(() => ({
          nodes: table.size,
          packetsSent: socket.counters.packetsSent,
          packetsReceived: socket.counters.packetsReceived,
          packetsMalformed: socket.counters.packetsMalformed,
          gets: counts.gets,
          puts: counts.puts,
          lookups: lookups.begun,
          sourcesDoubted: parts.doubted.count,
          itemsInvalid: parts.verified.invalid,
          itemsStored: items.size,
          itemsDropped: items.dropped,
          queriesServed: server.served,
          queriesLimited: server.limited,
          answersLimited: server.answersLimited,
        })),
        snapshot: Effect.sync(() => table.nodes),
      },
    }
  },
  Effect.annotateLogs({ package: "dht" }),
)

/** Where known nodes are kept from run to run; undefined for nowhere. */
const storageOf = ({ bootstrap, nodesFile }: DhtOptions): Effect.Effect<NodeStorage | undefined> =>
  nodesFile === ""
    ? Effect.map(Effect.serviceOption(KeyValueStore), (store) =>
        Option.getOrUndefined(Option.map(store, (found) => inKeyValueStore(found, bootstrap))),
      )
    : Effect.succeed(inFile(nodesFile))

interface Connection {
  readonly options: DhtOptions
  readonly udp: UdpSocket
  readonly timers: Timers
  readonly crypto: Crypto["Service"]
  /** From 0 up to but not including 1. */
  readonly random: () => number
  readonly reachOf: ReachOf
  /** 32 random bytes. */
  readonly tokenSecret: Uint8Array
  readonly id: Uint8Array
  readonly remembered: RememberedNodes
  /** The addresses of bootstrap nodes known so far. */
  readonly addresses: () => ReadonlyArray<DhtAddress>
  /** Runs when a node has entered the routing table. */
  readonly onFirstNode: () => void
  /** Runs when we have taken another id. */
  readonly onNewId: () => void
}

/**
 * Connects the parts that know each other: the socket forwards queries, answers and losses to the table and the server, and these
 * send over the socket. The functions given to the socket run only after this one has returned.
 */
const connectParts = (connection: Connection) => {
  const { addresses, crypto, id, options, random, reachOf, remembered, timers, tokenSecret, udp } = connection
  const { alpha, equalSeq, k, maxQueriesPerLookup, readOnly } = options
  const now = () => timers.now()
  /** Until this time (ms) our queries carry the read-only flag. */
  let introduceAt = now() + Duration.toMillis(options.introduceAfter)
  /** The nodes that the bootstrap nodes named at the start: the first lookups begin with them. */
  const named: Array<DhtNode> = []

  const socket = new KrpcSocket(udp, {
    timers,
    roundTripFloor: Duration.toMillis(options.roundTripFloor),
    roundTripInitial: Duration.toMillis(options.roundTripInitial),
    roundTripCeiling: Duration.toMillis(options.roundTripCeiling),
    isReadOnly: () => readOnly || now() < introduceAt,
    onQuery: (query, from) => server.handle(query, from),
    admitsQuery: (from) => server.admits(from),
    admitsAnswer: (to, bytes) => server.admitsAnswer(to, bytes),
    onReply: (reply, from, ip) => {
      // First: a program that waits for a node of the table may end at once.
      remembered.answered(reply.id, from)
      table.answered(reply, from)
      if (ip !== undefined && ownAddress !== undefined) learnAddress(ownAddress.addVote(from, ip))
    },
    onLost: (address) => {
      table.lost(address)
      remembered.lost(address)
    },
  })
  /** The votes for our public address, until it is known. Bound to an address, we have the id that suits it. */
  let ownAddress = udp.address.host === "0.0.0.0" ? new OwnAddress(reachOf) : undefined
  const learnAddress = (host: string | undefined) => {
    if (host === undefined) return
    ownAddress = undefined
    table.setId(secureNodeId(host, id, reachOf))
    connection.onNewId()
  }
  const table = new RoutingTable({ socket, id, onNode: connection.onFirstNode, reachOf })
  const tokens = new Tokens(tokenSecret)
  const closest = (target: Uint8Array, count: number) => table.closest(target, count)
  const peers = new PeerServer({
    id: () => table.id,
    peers: new PeerStore({ maxPeers: MAX_PEERS, now, random, reachOf }),
    tokens,
    closest,
  })
  const items = new ItemServer({
    id: () => table.id,
    reachOf,
    equalSeq,
    crypto,
    tokens,
    maxItems: options.storedItemsMax,
    ttl: Duration.toMillis(options.storedItemTtl),
    closest,
  })
  const server = new QueryServer({ ...options, socket, table, items, peers, reachOf, now })
  const scheduler = new QueryScheduler(options.maxOpenQueries)
  const verified = new VerifiedItems(crypto)
  const start = (target: Uint8Array) => {
    const isNew = table.size < k
    const seeds = isNew ? addresses() : []
    const nodes = table.closest(target, k)
    return {
      nodes: isNew ? [...nodes, ...named] : nodes,
      remembered: remembered.closest(target, isNew && seeds.length === 0 ? k : REMEMBERED_PER_LOOKUP),
      addresses: seeds,
    }
  }
  let isPopulated = false
  /** Before a lookup of our own id is over, only a private network counts: there the bootstrap nodes know all nodes. */
  const nearest = () => {
    const nodes = [...table.closest(table.id, k), ...named]
    return isPopulated || nodes.every(({ host }) => isPrivateHost(host, reachOf)) ? nodes : undefined
  }
  const density = new Density({ k, id: () => table.id, nearest, now })
  const doubted = { count: 0 }
  const onDoubtedSources = (count: number) => {
    doubted.count += count
  }
  const lookups = new LookupManager({
    socket,
    timers,
    scheduler,
    verified,
    table,
    k,
    alpha,
    maxQueriesPerLookup,
    start,
    random,
    reachOf,
    expectedDistance: () => density.expectedDistance,
    onRouter: (nodes, from) => onGreeted(nodes, from),
    onDoubtedSources,
  })
  const onGreeted = (nodes: ReadonlyArray<DhtNode>, from: DhtAddress) => {
    if (named.length < MAX_NAMED) named.push(...nodes)
    if (nodes.length > 0) return
    // This bootstrap node knows no node except perhaps us. Others can then find the items of this network only through us.
    introduceAt = now()
    table.ping(from)
  }
  return {
    socket,
    table,
    items,
    server,
    scheduler,
    verified,
    lookups,
    doubted,
    onPopulated: () => {
      isPopulated = true
    },
    onGreeted,
    close: Effect.sync(() => {
      lookups.close()
      table.close()
      socket.close()
    }),
  }
}

/** A client that starts from loopback nodes only must not be reachable on other interfaces. */
const bindHost = ({ host, bootstrap }: DhtOptions): string =>
  isLoopbackOnly(bootstrap) && host === "0.0.0.0" ? "127.0.0.1" : host

/** The address at which other programs on this machine reach a socket that is bound to all addresses. */
const reachableHost = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host)
