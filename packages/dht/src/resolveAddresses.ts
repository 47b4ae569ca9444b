/**
 * Names of bootstrap nodes to addresses, once, beside everything else: a node without a working resolver starts as fast as
 * any, and says which names it could not resolve.
 */
import { lookup } from "node:dns/promises"
import { Deferred, Effect, type Scope } from "effect"
import type { DhtAddress } from "./Dht.ts"
import { ipv4 } from "./nodeId.ts"

export interface Resolution {
  /** What is resolved so far. It grows until all names are resolved or given up. */
  readonly addresses: ReadonlyArray<DhtAddress>
  /** Completes when there is an address, or will never be one. */
  readonly known: Effect.Effect<void>
}

/** Starts resolving the names in the scope; addresses need no resolving. */
export const resolveAddresses = Effect.fnUntraced(function* (
  addresses: ReadonlyArray<DhtAddress>,
): Effect.fn.Return<Resolution, never, Scope.Scope> {
  const resolved = addresses.filter(({ host }) => ipv4(host) !== undefined)
  const names = addresses.filter(({ host }) => ipv4(host) === undefined)
  const known = yield* Deferred.make<void>()
  if (resolved.length > 0 || names.length === 0) Deferred.doneUnsafe(known, Effect.void)
  yield* Effect.forEach(
    names,
    ({ host, port }) =>
      Effect.tryPromise(() => lookup(host, { family: 4 })).pipe(
        Effect.flatMap(({ address }) => {
          resolved.push({ host: address, port })
          return Deferred.succeed(known, undefined)
        }),
        Effect.catch(() => Effect.logWarning(`bootstrap: the name ${host} could not be resolved`)),
      ),
    { concurrency: "unbounded", discard: true },
  ).pipe(Effect.andThen(Deferred.succeed(known, undefined)), Effect.forkScoped)
  return { addresses: resolved, known: Deferred.await(known) }
})
