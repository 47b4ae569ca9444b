/**
 * Resolves the names of bootstrap nodes, next to everything else: a node without a working resolver starts as fast as any other,
 * logs which names it did not resolve, and goes on trying, because it may have been started before its network.
 */
import { lookup } from "node:dns/promises"
import { Deferred, Effect, Schedule, type Scope } from "effect"
import { decodeNodes } from "../krpc/compactNodes.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import { ipv4 } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"

export interface Bootstrap {
  /** The addresses known so far. The list grows until all names are resolved. */
  readonly addresses: ReadonlyArray<DhtAddress>
  /** Completes when there is an address, or the first attempt at each name has failed. */
  readonly known: Effect.Effect<void>
}

/** The first pause before a name is tried again; the pauses double, up to a minute. */
const FIRST_PAUSE = "1 second"
const pauses = Schedule.min([Schedule.exponential(FIRST_PAUSE), Schedule.spaced("1 minute")])

/** Starts to resolve the names in the scope. Addresses need no resolving. */
export const resolveBootstrap = Effect.fnUntraced(function* (
  addresses: ReadonlyArray<DhtAddress>,
): Effect.fn.Return<Bootstrap, never, Scope.Scope> {
  const resolved = addresses.filter(({ host }) => ipv4(host) !== undefined)
  const names = addresses.filter(({ host }) => ipv4(host) === undefined)
  const known = yield* Deferred.make<void>()
  if (resolved.length > 0 || names.length === 0) Deferred.doneUnsafe(known, Effect.void)
  const resolve = ({ host, port }: DhtAddress) =>
    Effect.flatMap(
      Effect.tryPromise(() => lookup(host, { family: 4 })),
      ({ address }) => {
        resolved.push({ host: address, port })
        return Deferred.succeed(known, undefined)
      },
    )
  const missing: Array<DhtAddress> = []
  const resolveOnce = (name: DhtAddress) =>
    Effect.catch(resolve(name), () => {
      missing.push(name)
      return Effect.logWarning(`bootstrap: the name ${name.host} was not resolved; it is tried again`)
    })
  const resolveLater = (name: DhtAddress) => Effect.delay(Effect.retry(resolve(name), pauses), FIRST_PAUSE)
  yield* Effect.forEach(names, resolveOnce, { concurrency: "unbounded", discard: true }).pipe(
    Effect.andThen(Deferred.succeed(known, undefined)),
    Effect.andThen(() => Effect.forEach(missing, resolveLater, { concurrency: "unbounded", discard: true })),
    Effect.forkScoped,
  )
  return { addresses: resolved, known: Deferred.await(known) }
})

/** Bootstrap nodes that are asked for other nodes at the start. */
const MAX_GREETED = 4

/**
 * Asks the first bootstrap nodes for the nodes nearest to us, as soon as their addresses are known. `onAnswer` runs for each
 * answer with the nodes that it named.
 */
export const greetBootstrap = (
  bootstrap: Bootstrap,
  socket: KrpcSocket,
  id: Uint8Array,
  onAnswer: (named: ReadonlyArray<DhtNode>, from: DhtAddress) => void,
): Effect.Effect<void> =>
  Effect.map(bootstrap.known, () => {
    for (const address of bootstrap.addresses.slice(0, MAX_GREETED)) {
      socket.query(address, "find_node", { id, target: id }, (event) => {
        if (event._tag !== "reply") return
        onAnswer(decodeNodes(event.reply.nodes ?? new Uint8Array(0), address.host), address)
      })
    }
  })
