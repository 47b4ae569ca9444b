/**
 * Makes the tracker: opens topics and shares them. Two joins of the same topic with the same secret get the same live topic, which ends
 * when the last of them leaves. It also publishes the addresses of this node, and passes changes of addresses and network on to the topics.
 */
import { Timers } from "@topic-tracker/common"
import { Crypto, Identity, initialSecretHash, SecretRotation, type TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Exit, Option, RcMap, Scope, Stream } from "effect"
import * as TopicConfig from "../config/TopicConfig.ts"
import { TuningOverrides, tuningOf } from "../config/Tuning.ts"
import type { InviteGeneration } from "../invite/Invite.ts"
import { InviteError } from "../invite/InviteError.ts"
import { FailureLog } from "../shared/FailureLog.ts"
import { RateLimiter } from "../shared/RateLimiter.ts"
import { joinTarget } from "../topic/arguments.ts"
import { replaceSecret } from "../topic/channel/replaceSecret.ts"
import { EventHub } from "../topic/EventHub.ts"
import type { LiveTopic } from "../topic/LiveTopic.ts"
import { makeLiveTopic } from "../topic/makeLiveTopic.ts"
import { makeTopic } from "../topic/makeTopic.ts"
import { topicAttributes } from "../topic/observability.ts"
import type { JoinByInviteOptions, JoinOptions } from "../topic/Topic.ts"
import { invalidInvite, type TopicError, topicClosed } from "../topic/TopicError.ts"
import { TopicKey } from "../topic/TopicKey.ts"
import { type TopicView, viewOf } from "../topic/TopicView.ts"
import { TopicClaims } from "./TopicClaims.ts"
import type { TrackerService } from "./TrackerService.ts"

/**
 * The wait from the start to the first publication of our addresses, in ms: the lookups and puts of a join come first. Our records hold our
 * addresses for all but nodes of the Rust crate, which look them up every second.
 */
const PUBLISH_ADDRESSES_AFTER_MS = 100
/** Topics that opened and that a program which watches has not taken yet; it loses the oldest ones beyond that. */
const MAX_UNSEEN = 4_096

/** The tracker. The options of a join are applied to `defaults`. */
export const makeTracker: (
  defaults: TopicConfig.TopicConfig,
) => Effect.Effect<
  TrackerService,
  never,
  Dht | Gossip | Crypto | SecretRotation | Identity | AddressLookup | Scope.Scope
> = Effect.fnUntraced(function* (defaults) {
  const gossip = yield* Gossip
  const lookup = yield* AddressLookup
  const identity = yield* Identity
  const crypto = yield* Crypto
  const rotation = yield* SecretRotation
  // Collected one by one: a topic must use these services and not those of the fiber that joins it first.
  const services = Context.make(Dht, yield* Dht).pipe(
    Context.add(Crypto, crypto),
    Context.add(SecretRotation, rotation),
    Context.add(Identity, identity),
  )
  const overrides = yield* TuningOverrides
  const tuning = tuningOf(defaults.profile, overrides)
  const timers = yield* Timers.make
  const shared = { timers, gossip, rateLimiter: new RateLimiter(timers), failureLog: new FailureLog(timers) }
  const claims = new TopicClaims()
  const live = new Set<LiveTopic>()
  const opened = new EventHub<TopicView>()
  yield* Effect.addFinalizer(() => opened.end)

  const openTopic = Effect.fnUntraced(function* (key: TopicKey): Effect.fn.Return<LiveTopic, TopicError, Scope.Scope> {
    const claim = yield* Effect.acquireRelease(claims.claim(key), (claim) => claims.release(claim))
    const onFailing: Effect.Effect<void> = Effect.suspend(() => {
      claim.isLeaving = true
      return RcMap.invalidate(topics, key)
    })
    const onFailed = Effect.asVoid(claims.release(claim))
    const topic = yield* makeLiveTopic({ ...shared, key, onFailing, onFailed }).pipe(
      Effect.provideContext(services),
      Effect.onError(() => claims.release(claim)),
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => live.add(topic)),
      () =>
        Effect.sync(() => {
          claim.isLeaving = true
          live.delete(topic)
        }),
    )
    yield* opened.publish([viewOf(topic)])
    return topic
  })

  const topics: RcMap.RcMap<TopicKey, LiveTopic, TopicError> = yield* RcMap.make({ lookup: openTopic })
  // Set before RcMap closes: from then on it interrupts every fiber that asks for a topic.
  let isClosing = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosing = true
    }),
  )

  /** Joins a topic. `until` decides when that has succeeded; if it fails or is interrupted, the topic is left. */
  const joinUntil = (name: string, until: (topic: LiveTopic) => Effect.Effect<void, TopicError>) =>
    Effect.fn(name)(function* (options: JoinOptions | JoinByInviteOptions) {
      const { access, invited, members, name, ring, secret, topic: topicId } = yield* joinTarget(options)
      if (ring !== undefined) yield* addRing(rotation, topicId, ring)
      yield* Effect.annotateCurrentSpan(topicAttributes(topicId))
      // One object for all topics that use the defaults, and one tuning for all topics of a profile.
      const config = options.config === undefined ? defaults : yield* TopicConfig.makeForTopic(options.config, defaults)
      const settings = {
        config,
        tuning: config.profile === defaults.profile ? tuning : tuningOf(config.profile, overrides),
        invited,
        members,
        ring,
        name,
      }
      const key = new TopicKey(topicId, secret, settings, access === "members" ? crypto : undefined)
      const joining = Effect.gen(function* () {
        if (isClosing) return yield* topicClosed("the node has ended")
        const topic = yield* RcMap.get(topics, key)
        // The topic may be open already, by a join without this invitation.
        yield* topic.addInvited(invited)
        topic.secrets.note(ring)
        // Made before the wait, so that the user's first stream has the events of the wait.
        const handle = yield* makeTopic(topic, keepAlive(key, topic))
        yield* until(topic)
        return handle
      })
      return yield* heldOnSuccess(joining)
    })

  /** The map may hold another topic by now, joined after this one ended. That one is not kept. */
  const keepAlive = (key: TopicKey, topic: LiveTopic) =>
    heldOnSuccess(
      Effect.flatMap(RcMap.getOption(topics, key), (found) =>
        Option.isSome(found) && found.value === topic ? Effect.void : topic.awaitEnd(),
      ),
    )

  const publishAddresses = (own: EndpointAddress) =>
    Effect.catch(defaults.network.publishAddressPacket ? lookup.publish(own) : Effect.void, (error) =>
      Effect.logWarning(`addresses not published: ${error.message}`),
    ).pipe(Effect.annotateLogs({ package: "@topic-tracker/core" }))
  const forEachTopic = (f: (topic: LiveTopic) => Effect.Effect<void>) =>
    Effect.suspend(() => Effect.forEach([...live], f, { discard: true }))
  yield* gossip.addressChanges.pipe(
    Stream.zipWithIndex,
    // A newer address does not wait until the one before is stored.
    Stream.switchMap(([own, index]) =>
      Stream.fromEffectDrain(
        index === 0
          ? Effect.delay(publishAddresses(own), PUBLISH_ADDRESSES_AFTER_MS)
          : Effect.andThen(
              forEachTopic((topic) => topic.addressChanged()),
              publishAddresses(own),
            ),
      ),
    ),
    Stream.runDrain,
    Effect.forkScoped,
  )
  yield* gossip.networkChanges.pipe(
    Stream.runForEach(() => forEachTopic((topic) => topic.networkChanged())),
    Effect.forkScoped,
  )

  return {
    endpointId: identity.endpointId,
    join: joinUntil("Topic.join", (topic) => topic.awaitJoined()),
    joinNoWait: joinUntil("Topic.joinNoWait", () => Effect.void),
    views: Effect.sync(() => [...live].map(viewOf)),
    opened: Stream.unwrap(opened.subscribe({ capacity: MAX_UNSEEN }, () => [...live].map(viewOf))),
    openTopics: Effect.sync(() => live.size),
  }
})

/** Adds the secret that an invitation has beside the initial one. */
const addRing = (rotation: SecretRotation["Service"], topic: TopicId, { secret, ...place }: InviteGeneration) =>
  replaceSecret(rotation, topic, initialSecretHash(secret), place).pipe(
    Effect.mapError(({ message }) =>
      invalidInvite(new InviteError({ reason: "Invalid", message: `invitation: its newer secret: ${message}` })),
    ),
  )

/** Leaves what the effect acquired to the current Scope if it succeeds, and releases it at once otherwise. */
const heldOnSuccess = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* effect.pipe(
    Scope.provide(scope),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))),
  )
})
