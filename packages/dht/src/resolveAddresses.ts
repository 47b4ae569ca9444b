/**
 * Names of bootstrap nodes to addresses, beside everything else: a node without a working resolver starts as fast as any, says
 * which names it could not resolve, and goes on trying, for it may have been started before its network.
 */
import { lookup } from "node:dns/promises"
import { Deferred, Effect, Schedule, type Scope } from "effect"
import type { DhtAddress } from "./Dht.ts"
import { ipv4 } from "./nodeId.ts"

export interface Resolution {
  /** What is resolved so far. It grows until all names are resolved. */
  readonly addresses: ReadonlyArray<DhtAddress>
  /** Completes when there is an address, or each name has been tried in vain. */
  readonly known: Effect.Effect<void>
}

/** The first pause before a name that could not be resolved is tried again; they double, up to a minute. */
const FIRST_PAUSE = "1 second"
const pauses = Schedule.min([Schedule.exponential(FIRST_PAUSE), Schedule.spaced("1 minute")])

/** Starts resolving the names in the scope; addresses need no resolving. */
export const resolveAddresses = Effect.fnUntraced(function* (
  addresses: ReadonlyArray<DhtAddress>,
): Effect.fn.Return<Resolution, never, Scope.Scope> {
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
      return Effect.logWarning(`bootstrap: the name ${name.host} could not be resolved; it is tried again`)
    })
  const resolveLater = (name: DhtAddress) => Effect.delay(Effect.retry(resolve(name), pauses), FIRST_PAUSE)
  yield* Effect.forEach(names, resolveOnce, { concurrency: "unbounded", discard: true }).pipe(
    Effect.andThen(Deferred.succeed(known, undefined)),
    Effect.andThen(() => Effect.forEach(missing, resolveLater, { concurrency: "unbounded", discard: true })),
    Effect.forkScoped,
  )
  return { addresses: resolved, known: Deferred.await(known) }
})
