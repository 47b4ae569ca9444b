/**
 * Opens topics and shares them: who joins the same id with the same secret gets the same live topic, which ends when the last
 * of its holders leaves. Also keeps our addresses findable and passes on that the network changed.
 */
import { Bytes, Timers } from "@topic-tracker/common"
import { Crypto, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Context, Deferred, Effect, Equal, Exit, Hash, Option, RcMap, Redacted, Scope, Stream } from "effect"
import * as TopicConfig from "../config/TopicConfig.ts"
import { type Tuning, TuningOverrides, tuningOf } from "../config/Tuning.ts"
import * as LiveTopic from "../topic/LiveTopic.ts"
import { make as makeHandle } from "../topic/makeTopic.ts"
import type { JoinOptions } from "../topic/Topic.ts"
import { TopicError } from "../topic/TopicError.ts"
import { FailureLog } from "./FailureLog.ts"
import { Pace } from "./RateLimiter.ts"
import type { TopicTracker } from "./TopicTracker.ts"

/**
 * From the start to the first publication of our addresses, in ms: what a join reads and puts comes first. Our records say
 * where we are to all but nodes of the reference, which look from second to second.
 */
const ADDRESSES_AFTER = 100

/** What makes two joins the same topic. The configuration rides along and is no part of it. */
class TopicKey implements Equal.Equal {
  readonly id: TopicId
  readonly secret: Redacted.Redacted<string | Uint8Array>
  readonly config: TopicConfig.TopicConfig
  readonly tuning: Tuning
  /** SHA-512 of the secret, cut to 32 bytes, in hex; never shown. */
  readonly #secretHash: string

  constructor(
    id: TopicId,
    secret: Redacted.Redacted<string | Uint8Array>,
    config: TopicConfig.TopicConfig,
    tuning: Tuning,
  ) {
    this.id = id
    this.secret = secret
    this.config = config
    this.tuning = tuning
    this.#secretHash = Bytes.toHex(Redacted.value(initialSecretHash(secret)))
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof TopicKey && this.id.hex === that.id.hex && this.#secretHash === that.#secretHash
  }

  [Hash.symbol](): number {
    return Hash.string(this.id.hex)
  }
}

/** An open topic's claim on its id: gossip has one topic of an id at a time. */
interface Claim {
  readonly key: TopicKey
  readonly released: Deferred.Deferred<void>
  leaving: boolean
}

/** The tracker's service; `defaults` are what a topic's own options differ from. */
export const makeTracker: (
  defaults: TopicConfig.TopicConfig,
) => Effect.Effect<
  TopicTracker["Service"],
  never,
  Dht | Gossip | Crypto | SecretRotation | Identity | AddressLookup | Scope.Scope
> = Effect.fnUntraced(function* (defaults) {
  const gossip = yield* Gossip
  const lookup = yield* AddressLookup
  const identity = yield* Identity
  // Named one by one: a topic must use these and not those of the fiber that happens to join it first.
  const services = Context.make(Dht, yield* Dht).pipe(
    Context.add(Crypto, yield* Crypto),
    Context.add(SecretRotation, yield* SecretRotation),
    Context.add(Identity, identity),
  )
  const overrides = yield* TuningOverrides
  const tuning = tuningOf(defaults.profile, overrides)
  const timers = yield* Timers.make
  const pace = new Pace(timers)
  const failureLog = new FailureLog(timers)
  const claims = new Map<string, Claim>()
  const live = new Set<LiveTopic.LiveTopic>()

  const claim = (key: TopicKey): Effect.Effect<Claim, TopicError> =>
    Effect.suspend(() => {
      const other = claims.get(key.id.hex)
      if (other === undefined) {
        const claim: Claim = { key, released: Deferred.makeUnsafe(), leaving: false }
        claims.set(key.id.hex, claim)
        return Effect.succeed(claim)
      }
      if (!other.leaving && !Equal.equals(other.key, key)) {
        const message = "secret: the topic is open with another secret; leave it first"
        return Effect.fail(new TopicError({ reason: "InvalidArgument", message }))
      }
      return Effect.andThen(Deferred.await(other.released), claim(key))
    })

  const release = (claim: Claim) =>
    Effect.suspend(() => {
      if (claims.get(claim.key.id.hex) === claim) claims.delete(claim.key.id.hex)
      return Deferred.succeed(claim.released, undefined)
    })

  const openTopic = Effect.fnUntraced(function* (
    key: TopicKey,
  ): Effect.fn.Return<LiveTopic.LiveTopic, TopicError, Scope.Scope> {
    const claimed = yield* Effect.acquireRelease(claim(key), release)
    const onFailing: Effect.Effect<void> = Effect.suspend(() => {
      claimed.leaving = true
      return RcMap.invalidate(topics, key)
    })
    const { id, secret, config, tuning } = key
    const topic = yield* LiveTopic.make({
      id,
      secret,
      config,
      tuning,
      gossip,
      onFailing,
      onFailed: release(claimed),
      timers,
      pace,
      failureLog,
    }).pipe(
      Effect.provideContext(services),
      Effect.onError(() => release(claimed)),
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => live.add(topic)),
      () =>
        Effect.sync(() => {
          claimed.leaving = true
          live.delete(topic)
        }),
    )
    return topic
  })

  const topics: RcMap.RcMap<TopicKey, LiveTopic.LiveTopic, TopicError> = yield* RcMap.make({ lookup: openTopic })

  /** Takes part in the topic; `until` decides when that has succeeded. Who fails, or gives up waiting, has left. */
  const joinUntil = (until: (topic: LiveTopic.LiveTopic) => Effect.Effect<void, TopicError>) =>
    Effect.fnUntraced(function* (options: JoinOptions) {
      const config = options.config === undefined ? defaults : yield* TopicConfig.makeForTopic(options.config, defaults)
      const key = new TopicKey(
        yield* topicId(options.topic),
        asRedacted(options.secret),
        config,
        // One object for all topics of a profile.
        config.profile === defaults.profile ? tuning : tuningOf(config.profile, overrides),
      )
      const taken = Effect.gen(function* () {
        // RcMap would interrupt whoever asks for something of it by now.
        if (topics.state._tag === "Closed") return yield* LiveTopic.closed("the node has ended")
        const topic = yield* RcMap.get(topics, key)
        // Before the wait, so that what happens during it is in the user's first stream.
        const handle = yield* makeHandle(topic, keepAlive(key, topic))
        yield* until(topic)
        return handle
      })
      return yield* heldOnSuccess(taken)
    })

  /** What is found may be another topic, joined since this one ended; that is not held. */
  const keepAlive = (key: TopicKey, topic: LiveTopic.LiveTopic) =>
    heldOnSuccess(
      Effect.flatMap(RcMap.getOption(topics, key), (found) =>
        Option.isSome(found) && found.value === topic ? Effect.void : topic.ended,
      ),
    )

  const publish = (own: EndpointAddress) =>
    Effect.catch(lookup.publish(own), (error) => Effect.logWarning(`addresses not published: ${error.message}`))
  const tellTopics = (what: (topic: LiveTopic.LiveTopic) => Effect.Effect<void>) =>
    Effect.suspend(() => Effect.forEach([...live], what, { discard: true }))
  yield* gossip.addressChanges.pipe(
    Stream.zipWithIndex,
    // A newer address does not wait until the one before is stored.
    Stream.switchMap(([own, index]) =>
      Stream.fromEffectDrain(
        index === 0
          ? Effect.delay(publish(own), ADDRESSES_AFTER)
          : Effect.andThen(
              tellTopics((topic) => topic.addressChanged),
              publish(own),
            ),
      ),
    ),
    Stream.runDrain,
    Effect.forkScoped,
  )
  yield* gossip.networkChanges.pipe(
    Stream.runForEach(() => tellTopics((topic) => topic.networkChanged)),
    Effect.forkScoped,
  )

  return {
    endpointId: identity.endpointId,
    join: joinUntil((topic) => topic.joined),
    joinNoWait: joinUntil(() => Effect.void),
    openTopics: Effect.sync(() => live.size),
  }
})

/** Leaves to the current Scope what the effect acquired if it succeeds, and releases it at once if not. */
const heldOnSuccess = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* effect.pipe(
    Scope.provide(scope),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))),
  )
})

const topicId = (topic: JoinOptions["topic"]): Effect.Effect<TopicId, TopicError> => {
  if (topic instanceof TopicId) return Effect.succeed(topic)
  if (topic.length > 0) return Effect.sync(() => TopicId.fromName(topic))
  return Effect.fail(
    new TopicError({ reason: "InvalidArgument", message: "topic: empty; give a name of at least one byte" }),
  )
}

const asRedacted = (secret: JoinOptions["secret"]): Redacted.Redacted<string | Uint8Array> =>
  Redacted.isRedacted(secret) ? secret : Redacted.make(secret)
