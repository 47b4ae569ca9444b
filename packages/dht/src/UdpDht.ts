/**
 * The `Dht` service over UDP: puts together the socket, the routing table, the walks and the store for others. One scope
 * owns them all.
 */
import { Crypto } from "@topic-tracker/crypto"
import { Clock, Duration, Effect, type Scope } from "effect"
import type { Dht, DhtAddress } from "./Dht.ts"
import { type DhtOptions, isLoopbackOnly, resolve } from "./DhtConfig.ts"
import type { DhtError } from "./DhtError.ts"
import { makeBootstrapped, makeItemClient } from "./ItemClient.ts"
import { KrpcSocket } from "./krpc/KrpcSocket.ts"
import { type DhtNode, decodeNodes, secureNodeId } from "./nodeId.ts"
import { type Resolution, resolveAddresses } from "./resolveAddresses.ts"
import { ItemServer } from "./serve/ItemServer.ts"
import { QueryServer } from "./serve/QueryServer.ts"
import * as NodesFile from "./table/nodesFile.ts"
import { RoutingTable } from "./table/RoutingTable.ts"
import { Lookups } from "./walk/Lookups.ts"
import { Turns } from "./walk/Turns.ts"

/** The service, and what the testnet needs beside it. */
export interface UdpNode {
  readonly service: Dht["Service"]
  readonly node: DhtNode
  /** Adds a node known to be alive to the routing table. */
  readonly add: (node: DhtNode) => void
}

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
  const { k, maxQueriesPerWalk, alpha, readOnly, equalSeq, nodesFile } = options
  const crypto = yield* Crypto
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1000n) / 1000

  let introducedAt = now() + Duration.toMillis(options.introduceAfter)
  const socket = yield* KrpcSocket.make({
    host: bindHost(options),
    port: options.port,
    roundTripFloor: Duration.toMillis(options.roundTripFloor),
    roundTripInitial: Duration.toMillis(options.roundTripInitial),
    roundTripCeiling: Duration.toMillis(options.roundTripCeiling),
    isReadOnly: () => readOnly || now() < introducedAt,
    now,
  })
  const bootstrap = yield* resolveAddresses(options.bootstrap)
  const remembered = nodesFile === "" ? [] : yield* NodesFile.load(nodesFile, socket.address.host)
  const knownNodes = [...options.knownNodes, ...remembered]
  const id = secureNodeId(socket.address.host, yield* crypto.randomBytes(20))
  const table = yield* RoutingTable.make({ socket, id, maxPeers: peersMax })
  const items = new ItemServer({
    id,
    equalSeq,
    crypto,
    secret: yield* crypto.randomBytes(32),
    maxItems: options.storedItemsMax,
    ttl: Duration.toMillis(options.storedItemTtl),
    closest: (target, count) => table.closest(target, count),
  })
  const server = new QueryServer({
    socket,
    table,
    items,
    readOnly,
    queriesPerHost: options.queriesPerHost,
    queriesTotal: options.queriesTotal,
    now,
  })
  /** Whom the bootstrap nodes named when we greeted them: where the first walks begin. */
  const named: Array<DhtNode> = []
  const turns = new Turns(options.maxOpenQueries)
  const lookups = yield* Lookups.make({
    socket,
    crypto,
    id,
    k,
    alpha,
    turns,
    maxQueriesPerWalk,
    now,
    start: (target) => {
      const nodes = table.closest(target, k)
      return table.size < k
        ? { nodes: [...nodes, ...knownNodes, ...named], addresses: bootstrap.addresses }
        : { nodes, addresses: [] }
    },
  })
  const parts = { options, crypto, id, socket, table, lookups, turns, items, bootstrapKnown: bootstrap.known, now }
  const { get, put, populate, counts } = makeItemClient(parts)
  const bootstrapped = yield* makeBootstrapped(table, populate)

  socket.onQuery = (query, from) => server.handle(query, from)
  socket.onReply = (reply, from) => table.answered(reply, from)
  socket.onLost = (address) => table.lost(address)
  for (const node of knownNodes) table.ping(node)
  const greeted = (others: ReadonlyArray<DhtNode>, from: DhtAddress) => {
    named.push(...others)
    if (others.length > 0) return
    // It knows nobody but perhaps us: what is to be found then is found by way of us.
    introducedAt = now()
    table.ping(from)
  }
  // Whoever makes the client mostly has something else to do before the first get or put.
  yield* Effect.forkScoped(greetBootstrap(bootstrap, socket, id, greeted), { startImmediately: true })
  if (nodesFile !== "") yield* NodesFile.keep(nodesFile, () => table.nodes)
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
        itemsInvalid: lookups.signed.invalid,
        itemsStored: items.store.size,
        queriesServed: server.served,
        queriesLimited: server.limited,
      })),
      snapshot: Effect.sync(() => table.nodes),
    },
  }
})

/** So many bootstrap nodes are asked for other nodes at the start. */
const GREETED = 4

/** Asks the bootstrap nodes for the nodes nearest to us, once their addresses are known. */
const greetBootstrap = (
  bootstrap: Resolution,
  socket: KrpcSocket,
  id: Uint8Array,
  greeted: (others: ReadonlyArray<DhtNode>, from: DhtAddress) => void,
) =>
  Effect.map(bootstrap.known, () => {
    for (const address of bootstrap.addresses.slice(0, GREETED)) {
      socket.query(address, "find_node", { id, target: id }, (event) => {
        if (event._tag !== "reply") return
        greeted(decodeNodes(event.reply.nodes ?? new Uint8Array(0), address.host), address)
      })
    }
  })

/** Who starts from loopback nodes only has no business on other interfaces. */
const bindHost = ({ host, bootstrap }: DhtOptions): string =>
  isLoopbackOnly(bootstrap) && host === "0.0.0.0" ? "127.0.0.1" : host

/** Where others on the same machine reach a socket bound to all addresses. */
const reachableHost = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host)
