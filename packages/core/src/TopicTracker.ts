/**
 * All topics of a process. They share one DHT client, one endpoint and one gossip service, and joining the same topic (same id,
 * same secret) again shares the topic itself. The tracker also makes our addresses findable, and tells its topics when the
 * network under them changed.
 */
import {
  Bytes,
  Crypto,
  type EndpointId,
  Identity,
  initialSecretHash,
  SecretRotation,
  TopicId,
} from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { AddressLookup, Gossip } from "@topic-tracker/gossip"
import { Context, Deferred, Effect, Equal, Exit, Hash, Layer, Option, RcMap, Redacted, Scope, Stream } from "effect"
import * as TopicConfig from "./config/TopicConfig.ts"
import { make as makeHandle } from "./topic/handle.ts"
import * as LiveTopic from "./topic/LiveTopic.ts"
import type { JoinOptions, Topic } from "./topic/Topic.ts"
import { TopicError } from "./topic/TopicError.ts"

export interface TopicTrackerOptions {
  /** What differs from the defaults in every topic of this tracker; each join may differ again. */
  readonly config?: TopicConfig.TopicConfigInput
}

export class TopicTracker extends Context.Service<
  TopicTracker,
  {
    /** The name by which others dial us. */
    readonly endpointId: EndpointId.EndpointId
    /** As `Topic.join`. */
    readonly join: (
      options: JoinOptions,
    ) => Effect.Effect<Topic, TopicError | TopicConfig.TopicConfigError, Scope.Scope>
    /** As `Topic.joinNoWait`. */
    readonly joinNoWait: (
      options: JoinOptions,
    ) => Effect.Effect<Topic, TopicError | TopicConfig.TopicConfigError, Scope.Scope>
    /** How many topics are open. */
    readonly openTopics: Effect.Effect<number>
  }
>()("@topic-tracker/core/TopicTracker") {
  /** The tracker over services that are provided from elsewhere: for tests, and for those who bring a part of their own. */
  static readonly layerNoDeps = (
    options: TopicTrackerOptions = {},
  ): Layer.Layer<
    TopicTracker,
    TopicConfig.TopicConfigError,
    Dht | Gossip | Crypto | SecretRotation | Identity | AddressLookup
  > => Layer.effect(TopicTracker, make(options))
}

/** What makes two joins the same topic. The configuration rides along and is no part of it. */
class TopicKey implements Equal.Equal {
  readonly id: TopicId
  readonly secret: Redacted.Redacted<string | Uint8Array>
  readonly config: TopicConfig.TopicConfig
  /** SHA-512 of the secret, cut to 32 bytes, in hex; never shown. */
  readonly #secretHash: string

  constructor(id: TopicId, secret: Redacted.Redacted<string | Uint8Array>, config: TopicConfig.TopicConfig) {
    this.id = id
    this.secret = secret
    this.config = config
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

const make = Effect.fnUntraced(function* (options: TopicTrackerOptions) {
  const defaults = yield* TopicConfig.make(options.config)
  const gossip = yield* Gossip
  const lookup = yield* AddressLookup
  const identity = yield* Identity
  // Named one by one: a topic must use these and not those of the fiber that happens to join it first.
  const services = Context.make(Dht, yield* Dht).pipe(
    Context.add(Crypto, yield* Crypto),
    Context.add(SecretRotation, yield* SecretRotation),
    Context.add(Identity, identity),
  )
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
    const onFailed: Effect.Effect<void> = Effect.andThen(RcMap.invalidate(topics, key), release(claimed))
    const { id, secret, config } = key
    const topic = yield* LiveTopic.make({ id, secret, config, gossip, onFailed }).pipe(Effect.provideContext(services))
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

  const joinNoWait = Effect.fnUntraced(function* (options: JoinOptions) {
    const key = new TopicKey(
      yield* topicId(options.topic),
      asRedacted(options.secret),
      yield* merged(defaults, options),
    )
    const topic = yield* RcMap.get(topics, key).pipe(Effect.tapError(() => RcMap.invalidate(topics, key)))
    return makeHandle(topic, keepAlive(key, topic))
  })

  const keepAlive = (key: TopicKey, topic: LiveTopic.LiveTopic) =>
    Effect.flatMap(RcMap.getOption(topics, key), (found) =>
      Option.isSome(found) && found.value === topic ? Effect.void : topic.ended,
    )

  const join = Effect.fnUntraced(function* (options: JoinOptions) {
    // A scope of its own until joined: who gives up waiting has left.
    const scope = yield* Scope.fork(yield* Effect.scope)
    return yield* joinNoWait(options).pipe(
      Scope.provide(scope),
      Effect.tap((topic) => topic.joined),
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))),
    )
  })

  yield* gossip.addressChanges.pipe(
    Stream.runForEach((own) =>
      Effect.catch(lookup.publish(own), (error) => Effect.logWarning(`addresses not published: ${error.message}`)),
    ),
    Effect.forkScoped,
  )
  yield* gossip.networkChanges.pipe(
    Stream.runForEach(() => Effect.forEach([...live], (topic) => topic.networkChanged, { discard: true })),
    Effect.forkScoped,
  )

  return TopicTracker.of({
    endpointId: identity.endpointId,
    join,
    joinNoWait,
    openTopics: Effect.sync(() => live.size),
  })
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

/** The tracker's configuration with a join's own options over it. */
const merged = (defaults: TopicConfig.TopicConfig, { config }: JoinOptions) => {
  if (config === undefined) return Effect.succeed(defaults)
  const groups = Object.entries(config).map(([group, given]) => [
    group,
    { ...(defaults as Record<string, object>)[group], ...given },
  ])
  return TopicConfig.make({ ...defaults, ...Object.fromEntries(groups) })
}
