/**
 * The hub of a node, shared by its topics: a transport has one handler for each protocol. The first user of a node's connections makes it,
 * and it ends with the last one.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { PeerConnections } from "@topic-tracker/gossip"
import { Effect, Exit, Scope, Semaphore } from "effect"
import { PeerHub } from "./PeerHub.ts"
import type { PeersLimits } from "./PeersLimits.ts"
import { PEERS_ALPN } from "./wire.ts"

interface Shared {
  readonly lock: Semaphore.Semaphore
  users: number
  open: { readonly hub: PeerHub; readonly scope: Scope.Closeable } | undefined
}

/** Kept as long as the connections of the node. */
const hubs = new WeakMap<PeerConnections, Shared>()

/** The hub of these connections, until the scope closes. */
export const sharedHub = (
  self: EndpointId.EndpointId,
  connections: PeerConnections,
  limits: PeersLimits,
): Effect.Effect<PeerHub, never, Scope.Scope> =>
  Effect.suspend(() => {
    const shared = hubs.get(connections) ?? { lock: Semaphore.makeUnsafe(1), users: 0, open: undefined }
    hubs.set(connections, shared)
    const acquire = Effect.gen(function* () {
      if (shared.open === undefined) {
        const hub = new PeerHub(self, connections, limits)
        const scope = yield* Scope.make()
        yield* connections.listen(hub, { alpn: PEERS_ALPN }).pipe(Scope.provide(scope))
        shared.open = { hub, scope }
      }
      shared.users++
      return shared.open.hub
    })
    const release = Effect.suspend(() => {
      shared.users--
      const { open } = shared
      if (shared.users > 0 || open === undefined) return Effect.void
      shared.open = undefined
      return Scope.close(open.scope, Exit.void)
    })
    return Effect.acquireRelease(shared.lock.withPermit(acquire), () => shared.lock.withPermit(release))
  })
