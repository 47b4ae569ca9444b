/**
 * `get` and `put` as Effects over lookups, with checked arguments and the configured retries and time-outs. An interrupted call
 * leaves nothing behind. It does not know how a lookup chooses nodes.
 */
import type { Timers } from "@topic-tracker/common"
import type { Crypto } from "@topic-tracker/crypto"
import { Cause, Channel, type Clock, Duration, Effect, Schedule, Scope, Stream } from "effect"
import { encodeValue, signable, targetOf, valueBytes } from "./bep44/item.ts"
import { invalidGet, invalidPut } from "./checkArguments.ts"
import { type DhtOptions, retrySchedule } from "./DhtConfig.ts"
import { DhtError } from "./DhtError.ts"
import { ItemPull, type LookupSink } from "./ItemPull.ts"
import type { KrpcSocket } from "./krpc/KrpcSocket.ts"
import type { LookupManager } from "./lookup/LookupManager.ts"
import { receipt, sendPuts } from "./lookup/put.ts"
import type { QueryScheduler } from "./lookup/QueryScheduler.ts"
import type { LookupOutcome, Subscriber, Subscription } from "./lookup/Subscriber.ts"
import type { GetOptions, MutableItem, MutableKey, PutReceipt, PutRequest } from "./model.ts"
import type { RoutingTable } from "./routing/RoutingTable.ts"
import type { ItemServer } from "./serve/ItemServer.ts"
import { annotateError, type CallTrace, callAttributes, currentTrace, traceGet } from "./trace.ts"

export interface ItemClientParts {
  readonly options: DhtOptions
  /** The wall clock, for spans. */
  readonly clock: Clock.Clock
  readonly timers: Timers
  readonly crypto: Crypto["Service"]
  readonly socket: KrpcSocket
  readonly table: RoutingTable
  readonly lookups: LookupManager
  readonly scheduler: QueryScheduler
  /** The items that others put here are found like those of other nodes. */
  readonly items: ItemServer
  /** Completes when there is a node to start from, or when the first attempt to find one has failed. */
  readonly bootstrapKnown: Effect.Effect<void>
  /** Runs when a lookup has ended without an answer. */
  readonly onNoneAnswered: () => void
}

interface LookupExtras {
  readonly nearest?: Subscriber["nearest"]
  /** The time after which the lookup ends. Default: `getTimeout`. */
  readonly limit?: Duration.Duration
  /** Runs when the lookup has begun. */
  readonly onSubscribed?: (subscription: Subscription) => void
  /** The call that needs the lookup. */
  readonly trace?: CallTrace | undefined
}

export interface ItemClient {
  readonly get: (key: MutableKey, options?: GetOptions) => Stream.Stream<MutableItem, DhtError>
  readonly put: (request: PutRequest) => Effect.Effect<PutReceipt, DhtError>
  /** A lookup of our own id: it fills the table with the nodes around us. */
  readonly populate: Effect.Effect<void, DhtError>
  /** Calls so far. */
  readonly counts: { readonly gets: number; readonly puts: number }
}

export const makeItemClient = (parts: ItemClientParts): ItemClient => {
  const { clock, options, timers, crypto, socket, table, lookups, scheduler, items } = parts
  const counts = { gets: 0, puts: 0 }
  const schedule = retrySchedule(options)
  const retry = (isFinal: ReadonlySet<DhtError["reason"]>) =>
    schedule.pipe(
      Schedule.setInputType<DhtError | Cause.Done>(),
      Schedule.while(({ input }) => !Cause.isDone(input) && !isFinal.has(input.reason)),
    )
  const getRetry = retry(new Set(["Closed"]))
  // A put that was refused because nodes hold another item would be refused again. Only a put without an answer is tried again.
  const putRetry = retry(new Set(["Closed", "Rejected"]))

  /** Starts a lookup that ends after `limit` at the latest. The returned function ends it at once, without a result. */
  const startLookup = (
    target: Uint8Array,
    key: MutableKey | undefined,
    getOptions: GetOptions,
    sink: LookupSink,
    { nearest, limit = options.getTimeout, onSubscribed, trace }: LookupExtras = {},
  ): (() => void) => {
    const stopTimer = () => {
      if (timer !== undefined) timers.cancel(timer)
    }
    const end = ({ closed, answered, asked }: LookupOutcome) => {
      stopTimer()
      if (answered === 0 && !closed) parts.onNoneAnswered()
      sink.end(closed ? isClosed : answered > 0 ? undefined : noneAnswered(asked, table.size))
    }
    const subscriber = { item: (item: MutableItem) => sink.item(item), end, nearest }
    const subscription = lookups.subscribe(target, key, subscriber, getOptions, trace)
    onSubscribed?.(subscription)
    const cancel = () => {
      stopTimer()
      subscription.cancel()
    }
    // A timer costs less than a sleeping fiber: hundreds of topics make thousands of lookups a minute, and hardly one reaches the limit.
    const timer = Duration.isFinite(limit)
      ? timers.schedule(Duration.toMillis(limit), () => {
          cancel()
          if (subscription.answered() === 0) parts.onNoneAnswered()
          sink.end(subscription.answered() > 0 ? undefined : tooLong("get", limit))
        })
      : undefined
    return cancel
  }

  /** Without a routing table, a lookup needs the address of a bootstrap node to start from. */
  const hasNodes = Effect.suspend(() =>
    table.size > 0
      ? Effect.void
      : Effect.timeoutOrElse(parts.bootstrapKnown, {
          duration: options.getTimeout,
          orElse: () => Effect.fail(tooLong("get", options.getTimeout)),
        }),
  )

  /** One lookup of nodes to its end. If interrupted, it stops unless others wait for it. */
  const populate: Effect.Effect<void, DhtError> = Effect.gen(function* () {
    yield* hasNodes
    const trace = yield* currentTrace(clock)
    return yield* Effect.callback<void, DhtError>((resume) => {
      const end: LookupSink["end"] = (error) => resume(error === undefined ? Effect.void : Effect.fail(error))
      return Effect.sync(startLookup(table.id, undefined, {}, { item: () => {}, end }, { trace }))
    })
  }).pipe(Effect.withSpan("Dht.populate", { kind: "client" }))

  const ownItem = (target: Uint8Array, key: MutableKey): MutableItem | undefined => {
    const stored = items.held(target, timers.now())
    if (stored === undefined) return undefined
    const value = valueBytes(stored.encodedValue)
    return value === undefined ? undefined : { ...key, seq: stored.seq, value, signature: stored.signature }
  }

  /** A hand-made channel: the stream constructors with a scope of their own cost more than an answer of a lookup. */
  const get = (key: MutableKey, getOptions: GetOptions = {}): Stream.Stream<MutableItem, DhtError> =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        Effect.suspend(() => {
          const invalid = invalidGet(key, getOptions)
          if (invalid !== undefined) return Effect.fail(invalid)
          counts.gets++
          const target = targetOf(key.publicKey, key.salt)
          return Effect.flatMap(traceGet(target, scope, clock), (trace) => read(target, key, getOptions, scope, trace))
        }),
      ),
    )

  const read = (
    target: Uint8Array,
    key: MutableKey,
    getOptions: GetOptions,
    scope: Scope.Scope,
    trace: CallTrace | undefined,
  ) => {
    const { onNearest, onOver } = getOptions
    const nearest = onNearest && {
      nodes: onNearest.nodes,
      reached: () => reader.runWhenTaken(onNearest.run),
    }
    let subscription: Subscription | undefined
    const onSubscribed = (begun: Subscription) => {
      subscription = begun
    }
    const reader = new ItemPull((sink) => startLookup(target, key, getOptions, sink, { nearest, onSubscribed, trace }))
    const own = ownItem(target, key)
    if (own !== undefined) reader.item(own)
    const pull = Effect.suspend(() =>
      table.size > 0 || reader.hasArrived ? reader.pull : Effect.andThen(hasNodes, reader.pull),
    )
    const stop = Effect.sync(() => {
      const outcomes = onOver && subscription?.outcomes()
      reader.stop()
      if (outcomes !== undefined) onOver?.(outcomes.answered, outcomes.silent)
    })
    return Effect.as(Scope.addFinalizer(scope, stop), options.retries === 0 ? pull : Effect.retry(pull, getRetry))
  }

  const putOnce = Effect.fnUntraced(function* (target: Uint8Array, request: PutRequest, signature: Uint8Array) {
    const { salt, seq, cas, key, value, onStored, priority = false } = request
    const message = { id: table.id, target, k: key.publicKey, salt, seq, cas, v: value, sig: signature }
    const known = lookups.nodesToPutTo(target)
    if (known !== undefined) {
      const outcome = yield* sendPuts(socket, scheduler, message, request, (targets) => {
        targets.addNodes(known)
        targets.complete()
        return () => {}
      })
      if (outcome.stored > 0 || !outcome.stale) return outcome
      // The tokens were refused or the nodes are gone: the nodes must be found again.
      lookups.forget(target)
    }
    if (table.size === 0) yield* parts.bootstrapKnown
    const trace = yield* currentTrace(clock)
    const item = { publicKey: key.publicKey, ...(salt === undefined ? {} : { salt }) }
    return yield* sendPuts(socket, scheduler, message, request, (targets) => {
      const end: LookupSink["end"] = (error) => {
        if (error !== undefined) return targets.fail(error)
        targets.addNodes(lookups.nodesToPutTo(target) ?? [])
        targets.complete()
      }
      const nearest = onStored && { nodes: onStored.nodes, reached: targets.addNodes }
      // A lookup that is cut short leaves no nodes to put to, so its limit is that of the put.
      return startLookup(
        target,
        item,
        { priority },
        { item: () => {}, end },
        { nearest, limit: options.putTimeout, trace },
      )
    })
  })

  const put = Effect.fn("Dht.put", { kind: "client" })(function* (
    request: PutRequest,
  ): Effect.fn.Return<PutReceipt, DhtError> {
    const invalid = invalidPut(request)
    if (invalid !== undefined) return yield* invalid
    counts.puts++
    const target = targetOf(request.key.publicKey, request.salt)
    yield* Effect.annotateCurrentSpan(callAttributes("put", target))
    const { cas, key, salt, seq } = request
    const encodedValue = encodeValue(request.value)
    const signature = crypto.sign(key, signable(salt, seq, encodedValue))
    return yield* putOnce(target, request, signature).pipe(
      Effect.flatMap(receipt),
      Effect.tap(({ asked, stored }) => {
        items.update({ publicKey: key.publicKey, salt, seq, encodedValue, signature }, cas, timers.now())
        return Effect.annotateCurrentSpan({
          "topic_tracker.dht.nodes_asked": asked,
          "topic_tracker.dht.nodes_stored": stored,
        })
      }),
      Effect.timeoutOrElse({
        duration: options.putTimeout,
        orElse: () => Effect.fail(tooLong("put", options.putTimeout)),
      }),
      Effect.retry(putRetry),
      Effect.tapError(annotateError),
    )
  })

  return { get, put, populate, counts }
}

const isClosed = new DhtError({ reason: "Closed", message: "the DHT client is closed: its scope has ended" })

const noneAnswered = (asked: number, nodes: number): DhtError => {
  if (asked === 0) {
    const message = "bootstrap: no node to ask; none was given or no name was resolved"
    return new DhtError({ reason: "NoNodes", message })
  }
  return nodes === 0
    ? new DhtError({ reason: "NoNodes", message: `bootstrap: none of the ${asked} nodes asked answered` })
    : new DhtError({ reason: "Timeout", message: `none of the ${asked} nodes asked answered` })
}

const tooLong = (what: string, limit: Duration.Duration): DhtError =>
  new DhtError({ reason: "Timeout", message: `${what}: no answer within ${Duration.format(limit)}` })
