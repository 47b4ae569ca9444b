/**
 * Keeps one packet of this node stored in the DHT: puts it at once when it changes, again after an interval, and sooner after a failure.
 * It does not know what the packet holds.
 */
import { Bytes } from "@topic-tracker/common"
import { Identity } from "@topic-tracker/crypto"
import { Dht, type DhtError } from "@topic-tracker/dht"
import { Clock, Deferred, type Duration, Effect, FiberHandle, Schedule, type Scope, Stream } from "effect"

export interface AddressPublisherOptions {
  readonly republishInterval: Duration.Input
  /** Runs after each put. */
  readonly onResult: (stored: boolean) => void
}

export interface AddressPublisher {
  /**
   * Replaces the packet and waits for its first put. The same packet again causes a new put only if the last one failed. Undefined stops
   * publishing.
   */
  readonly publish: (packet: Uint8Array | undefined) => Effect.Effect<void, DhtError>
}

interface Current {
  readonly packet: Uint8Array
  /** Completes with the first put. */
  readonly first: Deferred.Deferred<void, DhtError>
  /** Whether the last put was stored; undefined before the first. */
  stored: boolean | undefined
}

/** From 1 s up to 5 minutes between tries after a failure: often the network is down for a while. */
const RETRY_SCHEDULE = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("5 minutes")]).pipe(
  Schedule.jittered,
)

/** A publisher that stops when the Scope closes. */
export const makeAddressPublisher = Effect.fnUntraced(function* (
  options: AddressPublisherOptions,
): Effect.fn.Return<AddressPublisher, never, Dht | Identity | Scope.Scope> {
  const dht = yield* Dht
  const { signingKey } = yield* Identity
  const run = yield* FiberHandle.makeRuntime<never>()
  let current: Current | undefined
  let lastSeq = 0n

  // A seq is used once and never goes down, also if the clock is set back: nodes refuse an item with a lower seq than theirs.
  const nextSeq = Effect.map(Clock.currentTimeNanos, (nanos) => {
    const micros = nanos / 1000n
    lastSeq = micros > lastSeq ? micros : lastSeq + 1n
    return lastSeq
  })

  const putOnce = Effect.fnUntraced(function* (state: Current) {
    const seq = yield* nextSeq
    return yield* dht.put({ key: signingKey, seq, value: state.packet, priority: true })
  })

  /** The highest seq that nodes hold under our key; only this node could put it. */
  const heldSeq = Effect.suspend(() =>
    Stream.runFold(
      dht.get({ publicKey: signingKey.publicKey }, { priority: true }),
      () => 0n,
      (highest, { seq }) => (seq > highest ? seq : highest),
    ),
  )

  // Nodes refuse every packet of ours if the clock was ahead in an earlier run: until it has caught up, the seq continues from theirs.
  const put = (state: Current) =>
    putOnce(state).pipe(
      Effect.catchIf(
        ({ reason }) => reason === "Rejected",
        (error) =>
          Effect.flatMap(heldSeq, (held) => {
            if (held <= lastSeq) return Effect.fail(error)
            lastSeq = held
            return putOnce(state)
          }),
      ),
    )

  const keepPublished = (state: Current) =>
    put(state).pipe(
      Effect.tap(() => settle(state, true)),
      Effect.tapError((error) => settle(state, false, error)),
      Effect.retry(RETRY_SCHEDULE),
      Effect.repeat(Schedule.spaced(options.republishInterval)),
      // A caller that waits for a packet that was replaced need not wait: the newer packet follows.
      Effect.ensuring(Deferred.succeed(state.first, undefined)),
    )

  const settle = (state: Current, stored: boolean, error?: DhtError) => {
    state.stored = stored
    options.onResult(stored)
    return error === undefined ? Deferred.succeed(state.first, undefined) : Deferred.fail(state.first, error)
  }

  const publish = (packet: Uint8Array | undefined) =>
    Effect.suspend(() => {
      if (packet === undefined) {
        current = undefined
        run(Effect.void)
        return Effect.void
      }
      if (current !== undefined && Bytes.equals(current.packet, packet)) {
        if (current.stored === true) return Effect.void
        if (current.stored === undefined) return Deferred.await(current.first)
      }
      current = { packet, first: Deferred.makeUnsafe(), stored: undefined }
      run(keepPublished(current))
      return Deferred.await(current.first)
    })

  return { publish }
})
