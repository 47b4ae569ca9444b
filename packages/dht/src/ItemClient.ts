/**
 * `get` and `put` as Effects over walks: arguments checked, retries and time-outs as configured, everything given back when
 * interrupted.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Cause, Channel, Deferred, Duration, Effect, Schedule, Scope, Stream } from "effect"
import { invalidGet, invalidPut } from "./arguments.ts"
import type { GetOptions, MutableItem, MutableKey, PutReceipt, PutRequest } from "./Dht.ts"
import { type DhtOptions, retrySchedule } from "./DhtConfig.ts"
import { DhtError } from "./DhtError.ts"
import { encode } from "./krpc/bencode.ts"
import type { KrpcSocket } from "./krpc/KrpcSocket.ts"
import { signable, targetOf, valueBytes } from "./mutableItem.ts"
import { Reading, type ReadingSink } from "./Reading.ts"
import type { ItemServer } from "./serve/ItemServer.ts"
import type { RoutingTable } from "./table/RoutingTable.ts"
import type { Subscriber, WalkOutcome } from "./walk/Lookup.ts"
import type { Lookups } from "./walk/Lookups.ts"
import { receipt, sendPuts } from "./walk/puts.ts"
import type { Turns } from "./walk/Turns.ts"

export interface ItemClientParts {
  readonly options: DhtOptions
  readonly crypto: Crypto["Service"]
  /** Our node id. */
  readonly id: Uint8Array
  readonly socket: KrpcSocket
  readonly table: RoutingTable
  readonly lookups: Lookups
  readonly turns: Turns
  /** What others have put here is as good an answer as theirs. */
  readonly items: ItemServer
  /** Completes when there is a bootstrap address, or will never be one. */
  readonly bootstrapKnown: Effect.Effect<void>
  /** Monotonic, in ms. */
  readonly now: () => number
}

export interface ItemClient {
  readonly get: (key: MutableKey, options?: GetOptions) => Stream.Stream<MutableItem, DhtError>
  readonly put: (request: PutRequest) => Effect.Effect<PutReceipt, DhtError>
  /** A walk to our own id: it fills the table with the nodes around us. */
  readonly populate: Effect.Effect<void, DhtError>
  /** How often each was called. */
  readonly counts: { readonly gets: number; readonly puts: number }
}

export const makeItemClient = (parts: ItemClientParts): ItemClient => {
  const { options, crypto, id, socket, table, lookups, turns, items, now } = parts
  const counts = { gets: 0, puts: 0 }
  const schedule = retrySchedule(options)
  const retry = (isFinal: ReadonlySet<DhtError["reason"]>) =>
    schedule.pipe(
      Schedule.setInputType<DhtError | Cause.Done>(),
      Schedule.while(({ input }) => !Cause.isDone(input) && !isFinal.has(input.reason)),
    )
  const getRetry = retry(new Set(["Closed"]))
  // Who was refused because others hold another item will be refused again: only silence is worth another attempt.
  const putRetry = retry(new Set(["Closed", "Rejected"]))

  /** Starts a walk, which is over after `limit` at the latest. What it gives ends it at once, and tells nobody. */
  const startWalk = (
    target: Uint8Array,
    key: MutableKey | undefined,
    getOptions: GetOptions,
    sink: ReadingSink,
    near?: Subscriber["near"],
    limit = options.getTimeout,
  ): (() => void) => {
    const end = ({ closed, heard, asked }: WalkOutcome) => {
      clearTimeout(timer)
      sink.end(closed ? isClosed : heard > 0 ? undefined : nobodyAnswered(asked, table.size))
    }
    const subscriber = { item: (item: MutableItem) => sink.item(item), end, near }
    const subscription = lookups.subscribe(target, key, subscriber, getOptions)
    const cancel = () => {
      clearTimeout(timer)
      subscription.cancel()
    }
    // Not a sleeping fiber: of the thousands of walks that hundreds of topics make in a minute hardly one takes so long.
    const timer = setTimeout(
      () => {
        cancel()
        sink.end(subscription.heard() > 0 ? undefined : tooLong("get", limit))
      },
      Math.min(Duration.toMillis(limit), LONGEST_TIMER),
    )
    return cancel
  }

  /** Whoever starts without a routing table has to know a node to start from. */
  const thereAreNodes = Effect.suspend(() =>
    table.size > 0
      ? Effect.void
      : Effect.timeoutOrElse(parts.bootstrapKnown, {
          duration: options.getTimeout,
          orElse: () => Effect.fail(tooLong("get", options.getTimeout)),
        }),
  )

  /** One walk to its end. Interrupted, it is left to others that wait for it, or stops. */
  const walk = (
    target: Uint8Array,
    key: MutableKey | undefined,
    getOptions: GetOptions,
  ): Effect.Effect<void, DhtError> =>
    Effect.andThen(
      thereAreNodes,
      Effect.callback<void, DhtError>((resume) => {
        const end: ReadingSink["end"] = (error) => resume(error === undefined ? Effect.void : Effect.fail(error))
        return Effect.sync(startWalk(target, key, getOptions, { item: () => {}, end }))
      }),
    )

  const ownItem = (target: Uint8Array, key: MutableKey): MutableItem | undefined => {
    const stored = items.held(target, now())
    if (stored === undefined) return undefined
    const value = valueBytes(stored.encodedValue)
    return value === undefined ? undefined : { ...key, seq: stored.seq, value, signature: stored.signature }
  }

  /** A channel made by hand: of the stream's own constructors with a scope each costs more than a walk's answer. */
  const get = (key: MutableKey, getOptions: GetOptions = {}): Stream.Stream<MutableItem, DhtError> =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        Effect.suspend(() => {
          const invalid = invalidGet(key, getOptions)
          if (invalid !== undefined) return Effect.fail(invalid)
          counts.gets++
          const target = targetOf(key.publicKey, key.salt)
          const { whenHeard } = getOptions
          const near = whenHeard && { nodes: whenHeard.nodes, reached: () => reading.heard(whenHeard.run) }
          const reading = new Reading((sink) => startWalk(target, key, getOptions, sink, near))
          const own = ownItem(target, key)
          if (own !== undefined) reading.item(own)
          const pull = Effect.suspend(() =>
            table.size > 0 || reading.hasArrived ? reading.pull : Effect.andThen(thereAreNodes, reading.pull),
          )
          const stop = Effect.sync(() => reading.stop())
          return Effect.as(Scope.addFinalizer(scope, stop), options.retries === 0 ? pull : Effect.retry(pull, getRetry))
        }),
      ),
    )

  const putOnce = Effect.fnUntraced(function* (target: Uint8Array, request: PutRequest, signature: Uint8Array) {
    const { salt, seq, cas, key, value, whenStored, ahead = false } = request
    const message = { id, target, k: key.publicKey, salt, seq, cas, v: value, sig: signature }
    const cached = lookups.closest(target)
    if (cached !== undefined) {
      const outcome = yield* sendPuts(socket, turns, message, request, (targets) => {
        targets.add(cached)
        targets.complete()
        return () => {}
      })
      if (outcome.stored > 0 || !outcome.stale) return outcome
      // The tokens were refused or nobody is there any more: the nodes must be found anew.
      lookups.forget(target)
    }
    if (table.size === 0) yield* parts.bootstrapKnown
    const item = { publicKey: key.publicKey, ...(salt === undefined ? {} : { salt }) }
    return yield* sendPuts(socket, turns, message, request, (targets) => {
      const end: ReadingSink["end"] = (error) => {
        if (error !== undefined) return targets.fail(error)
        targets.add(lookups.closest(target) ?? [])
        targets.complete()
      }
      const near = whenStored && { nodes: whenStored.nodes, reached: targets.add }
      // Cut short, a walk leaves no nodes to put to: the put's own limit is its limit.
      return startWalk(target, item, { ahead }, { item: () => {}, end }, near, options.putTimeout)
    })
  })

  const put = Effect.fn("Dht.put")(function* (request: PutRequest): Effect.fn.Return<PutReceipt, DhtError> {
    const invalid = invalidPut(request)
    if (invalid !== undefined) return yield* invalid
    counts.puts++
    const target = targetOf(request.key.publicKey, request.salt)
    const { cas, key, salt, seq } = request
    const encodedValue = encode(request.value)
    const signature = crypto.sign(key, signable(salt, seq, encodedValue))
    return yield* putOnce(target, request, signature).pipe(
      Effect.flatMap(receipt),
      Effect.tap(() =>
        Effect.sync(() => items.update({ publicKey: key.publicKey, salt, seq, encodedValue, signature }, cas, now())),
      ),
      Effect.timeoutOrElse({
        duration: options.putTimeout,
        orElse: () => Effect.fail(tooLong("put", options.putTimeout)),
      }),
      Effect.retry(putRetry),
    )
  })

  return { get, put, populate: walk(id, undefined, {}), counts }
}

/** In ms; what is longer ends after 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Completes with the first node in the table, or with the walk that looks for one. */
export const makeBootstrapped = (
  table: RoutingTable,
  populate: Effect.Effect<void, DhtError>,
): Effect.Effect<Effect.Effect<void, DhtError>> =>
  Effect.map(Deferred.make<void>(), (firstNode) => {
    table.onNode = () => Deferred.doneUnsafe(firstNode, Effect.void)
    return Effect.suspend(() => (table.size > 0 ? Effect.void : Effect.raceFirst(populate, Deferred.await(firstNode))))
  })

const isClosed = new DhtError({ reason: "Closed", message: "the DHT client is closed: its scope has ended" })

const nobodyAnswered = (asked: number, nodes: number): DhtError => {
  if (asked === 0) {
    const message = "bootstrap: no node to ask; none was given or no name could be resolved"
    return new DhtError({ reason: "NoNodes", message })
  }
  return nodes === 0
    ? new DhtError({ reason: "NoNodes", message: `bootstrap: none of the ${asked} nodes asked answered` })
    : new DhtError({ reason: "Timeout", message: `none of the ${asked} nodes asked answered` })
}

const tooLong = (what: string, limit: Duration.Duration): DhtError =>
  new DhtError({ reason: "Timeout", message: `${what}: no answer within ${Duration.format(limit)}` })
