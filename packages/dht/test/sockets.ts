/** The parts of a client that tests use without the rest of it: a bound KRPC socket, and a routing table on one. */
import { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { KrpcSocket, type KrpcSocketOptions } from "../src/krpc/KrpcSocket.ts"
import { UdpSockets } from "../src/krpc/UdpSocket.ts"
import type { DhtAddress } from "../src/model.ts"
import { RoutingTable, type RoutingTableOptions } from "../src/routing/RoutingTable.ts"
import { PeerStore } from "../src/serve/PeerStore.ts"

/** A socket on loopback, bound as long as the scope is open. */
export const boundSocket = Effect.fnUntraced(function* (options: Partial<KrpcSocketOptions & DhtAddress> = {}) {
  const timers = yield* Timers.make
  const { bind } = yield* UdpSockets
  const { host = "127.0.0.1", port = 0 } = options
  const udp = yield* Effect.acquireRelease(bind({ host, port }), ({ close }) => close)
  const times = { roundTripFloor: 25, roundTripInitial: 60, roundTripCeiling: 150 }
  return yield* Effect.acquireRelease(
    Effect.sync(() => new KrpcSocket(udp, { timers, ...times, isReadOnly: () => false, ...options })),
    (socket) => Effect.sync(() => socket.close()),
  )
})

/** A store of peers on the system's clock. */
export const peerStore = (maxPeers = 10_000) =>
  new PeerStore({ maxPeers, now: () => performance.now(), random: Math.random })

/** A table, kept up as long as the scope is open. */
export const openTable = (options: RoutingTableOptions) =>
  Effect.acquireRelease(
    Effect.sync(() => new RoutingTable(options)),
    (table) => Effect.sync(() => table.close()),
  )
