/**
 * One open topic, shared by all who joined it: its sessions and its end. This is the only place where a topic's fibers are
 * started and stopped as a whole; what a user holds is made of it in handle.ts.
 *
 * A session has two fibers from its first moment: one reads gossip's events, keeps {@link TopicState} true and hands them to
 * the subscribers; the other keeps the topic joined. The first neighbour brings up to three more, the workers.
 */
import {
  type Crypto,
  GossipRecordContent,
  type Identity,
  initialSecretHash,
  SecretRotation,
  type TopicId,
} from "@topic-tracker/crypto"
import type { Dht } from "@topic-tracker/dht"
import type { Gossip, GossipEvent, GossipTopic } from "@topic-tracker/gossip"
import { Clock, Deferred, Effect, Exit, Latch, type Redacted, Scope, Semaphore, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import * as RecordPublisher from "../records/RecordPublisher.ts"
import { keepJoined } from "./Bootstrap.ts"
import { EventHub } from "./EventHub.ts"
import { Account, lookAfresh, type Session } from "./Session.ts"
import { Thinning } from "./Thinning.ts"
import type { TopicActivity } from "./TopicActivity.ts"
import { TopicError } from "./TopicError.ts"
import { Message, type TopicEvent } from "./TopicEvent.ts"
import { TopicState } from "./TopicState.ts"
import { mergeBubbles, startWorkers } from "./workers.ts"

export interface LiveTopicOptions {
  readonly id: TopicId
  readonly secret: Redacted.Redacted<string | Uint8Array>
  readonly config: TopicConfig
  readonly gossip: Gossip["Service"]
  /** As {@link Session.aboutToShow}. */
  readonly aboutToShow: Effect.Effect<unknown>
  /** Run when the topic ends by itself, after its gossip has closed. */
  readonly onFailed: Effect.Effect<void>
}

export interface LiveTopic {
  readonly id: TopicId
  readonly config: TopicConfig
  readonly records: RecordPublisher.RecordPublisher<GossipRecordContent>
  readonly state: TopicState
  readonly account: Account
  readonly events: EventHub<TopicEvent>
  readonly activities: EventHub<TopicActivity>
  /** The gossip topic now; fails while there is none. */
  readonly gossip: Effect.Effect<GossipTopic, TopicError>
  /** Never succeeds; fails when the topic ends. */
  readonly ended: Effect.Effect<never, TopicError>
  /** Completes when there is a neighbour; fails when the topic ends. */
  readonly joined: Effect.Effect<void, TopicError>
  readonly suspend: Effect.Effect<void>
  readonly resume: Effect.Effect<void, TopicError>
  /** The network under us is another: look again now. */
  readonly networkChanged: Effect.Effect<void>
}

/** How many past doings a new listener of the account gets. */
const ACCOUNT_REPLAY = 64

/** Opens a topic in the current Scope and begins to look for neighbours. */
export const make = Effect.fnUntraced(function* (
  options: LiveTopicOptions,
): Effect.fn.Return<LiveTopic, TopicError, Scope.Scope | Dht | Crypto | SecretRotation | Identity> {
  const { id, secret, config } = options
  const topicScope = yield* Effect.scope
  const records = yield* RecordPublisher.make({ topic: id, secret, content: GossipRecordContent, config })
  const events = new EventHub<TopicEvent>({ lagged: (skipped) => ({ _tag: "Lagged", skipped }) })
  const activities = new EventHub<TopicActivity>({ replay: ACCOUNT_REPLAY })
  const account = new Account(activities, yield* Clock.currentTimeMillis)
  const state = new TopicState()
  const ended = yield* Deferred.make<never, TopicError>()
  const oneAtATime = Semaphore.makeUnsafe(1)
  let session: (Session & { readonly scope: Scope.Closeable }) | undefined

  const rotation = yield* SecretRotation
  const checkKeys = Effect.flatMap(records.unixMinute, (unixMinute) =>
    rotation.encryptionSeed({ topic: id, unixMinute, initialSecretHash: initialSecretHash(secret) }),
  )

  /** Reads gossip's events to their end, which comes unasked for only when the gossip service closes. */
  const pump = (gossipEvents: Stream.Stream<GossipEvent>, thinning: Thinning) =>
    Stream.runForEachArray(gossipEvents, (batch) => {
      const before = state.neighbors.size
      const signals = state.apply(batch)
      const now = state.neighbors.size
      // So many at a time are not let go by shuffles and joins: it may be a split. At once and not with the next turn, for by
      // then gossip may have made up for them out of one side of it.
      if (now < before && now <= config.bubbleMerge.minNeighbors / 2) thinning.reset()
      return Effect.andThen(signals, events.publish(batch.map(toTopicEvent)))
    })

  const begin = Effect.gen(function* () {
    const scope = yield* Scope.fork(topicScope)
    const opened = yield* Effect.gen(function* () {
      const gossip = yield* options.gossip.open(id)
      const gossipEvents = yield* gossip.subscribe({ whenSlow: "hold-back" })
      return { gossip, gossipEvents }
    }).pipe(
      Scope.provide(scope),
      Effect.mapError(fromGossip),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
    )
    const lookNow = Latch.makeUnsafe(false)
    const { gossip } = opened
    const begun = {
      config,
      gossip,
      records,
      state,
      account,
      scope,
      checkKeys,
      aboutToShow: options.aboutToShow,
      lookNow,
      isNew: false,
      thinning: new Thinning(config.publisher.maxThinning),
      publishedMinute: undefined,
      publishedAlone: false,
    }
    session = begun
    yield* pump(opened.gossipEvents, begun.thinning).pipe(
      Effect.andThen(() => failTopic(closed("the gossip service has closed"))),
      Effect.forkIn(scope),
    )
    yield* keepJoined(begun, startWorkers(begun)).pipe(
      Effect.catchDefect((defect) => Effect.fail(closed(`the search for neighbours broke: ${defect}`))),
      Effect.catch(failTopic),
      Effect.forkIn(scope),
    )
  })

  /** Ends the session: its fibers first, so that nothing is published or dialled any more, then gossip says goodbye. */
  const finish = Effect.gen(function* () {
    if (session === undefined) return
    const { scope } = session
    session = undefined
    yield* Scope.close(scope, Exit.void)
    const downs = [...state.neighbors].map((peer) => ({ _tag: "NeighborDown", peer }) as const)
    yield* state.apply(downs)
    yield* events.publishAtOnce(downs)
  })

  const end = (error: TopicError) =>
    Effect.gen(function* () {
      yield* Deferred.fail(ended, error)
      yield* finish
      yield* events.end
      yield* activities.end
    }).pipe(oneAtATime.withPermit, Effect.uninterruptible)

  /** Called from a fiber of the session, which cannot wait for its own end. */
  const failTopic = (error: TopicError) =>
    Effect.logError(`topic ${id.hex} ends: ${error.message}`).pipe(
      Effect.andThen(end(error)),
      Effect.andThen(options.onFailed),
      Effect.forkIn(topicScope),
    )

  yield* Effect.addFinalizer(() => end(closed("the topic was left")))
  yield* Effect.uninterruptible(begin)

  return {
    id,
    config,
    records,
    state,
    account,
    events,
    activities,
    gossip: Effect.suspend(() => {
      if (session !== undefined) return Effect.succeed(session.gossip)
      const suspended = new TopicError({ reason: "Suspended", message: "the topic is suspended; resume it first" })
      return Deferred.isDoneUnsafe(ended) ? Deferred.await(ended) : Effect.fail(suspended)
    }),
    ended: Deferred.await(ended),
    joined: Effect.raceFirst(state.joined.await, Deferred.await(ended)),
    suspend: Effect.gen(function* () {
      if (session === undefined) return
      yield* finish
      yield* account.tell({ _tag: "Suspended" })
    }).pipe(Effect.uninterruptible, oneAtATime.withPermit),
    resume: Effect.gen(function* () {
      if (Deferred.isDoneUnsafe(ended)) return yield* Deferred.await(ended)
      if (session !== undefined) return
      yield* account.tell({ _tag: "Resumed" })
      yield* begin
    }).pipe(Effect.uninterruptible, oneAtATime.withPermit),
    networkChanged: Effect.suspend(() => {
      if (session === undefined) return Effect.void
      const look =
        state.neighbors.size === 0 || !config.bubbleMerge.enabled
          ? lookAfresh(session)
          : mergeBubbles(session).pipe(account.forgive("bubbleMerge"), Effect.forkIn(session.scope), Effect.asVoid)
      return Effect.andThen(account.tell({ _tag: "NetworkChanged" }), look)
    }),
  }
})

export const closed = (message: string) => new TopicError({ reason: "Closed", message })

/** What a gossip error means to the user of a topic. */
export const fromGossip = ({ reason, message }: { readonly reason: string; readonly message: string }): TopicError =>
  new TopicError({
    reason: reason === "MessageTooLarge" || reason === "InvalidArgument" ? reason : "Closed",
    message,
  })

const toTopicEvent = (event: GossipEvent): TopicEvent =>
  event._tag === "Received" ? new Message(event.content, event.deliveredFrom, event.scope, event.round) : event
