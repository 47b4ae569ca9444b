/**
 * One open topic, shared by all who joined it: its sessions and its end. This is the only place where a topic's fibers are
 * started and stopped as a whole; what a user holds is made of it in handle.ts.
 *
 * A session has two fibers from its first moment: one reads gossip's events, keeps {@link TopicState} true and hands them to
 * the subscribers; the other keeps the topic joined. The first neighbour brings up to three more, the workers.
 */

import type { Timers } from "@topic-tracker/common"
import { Signal } from "@topic-tracker/common"
import { type Crypto, type Identity, initialSecretHash, SecretRotation, type TopicId } from "@topic-tracker/crypto"
import type { Dht } from "@topic-tracker/dht"
import type { Gossip, GossipEvent, GossipTopic } from "@topic-tracker/gossip"
import { Deferred, Effect, Exit, type Redacted, Scope, Semaphore, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { Tuning } from "../config/Tuning.ts"
import * as RecordPublisher from "../records/RecordPublisher.ts"
import { TopicRecordContent } from "../records/TopicRecordContent.ts"
import type { FailureLog } from "../tracker/FailureLog.ts"
import type { Pace } from "../tracker/RateLimiter.ts"
import { EventHub } from "./EventHub.ts"
import { mergeBubbles } from "./joined/merges.ts"
import { askLost, Reconnecting } from "./joined/Reconnector.ts"
import { Thinning } from "./joined/TrickleTimer.ts"
import { startWorkers } from "./joined/workers.ts"
import { TopicState } from "./knowledge/SwarmView.ts"
import { Account, lookAfresh, type Session } from "./Session.ts"
import { keepJoined } from "./search/keepJoined.ts"
import type { TopicActivity } from "./TopicActivity.ts"
import { TopicError } from "./TopicError.ts"
import { Message, type TopicEvent } from "./TopicEvent.ts"

export interface LiveTopicOptions {
  readonly id: TopicId
  readonly secret: Redacted.Redacted<string | Uint8Array>
  readonly config: TopicConfig
  readonly tuning: Tuning
  readonly gossip: Gossip["Service"]
  readonly timers: Timers
  /** These two are shared by the topics of a process. */
  readonly pace: Pace
  readonly failureLog: FailureLog
  /** Run when the topic ends by itself, before anybody is told: who then joins again is not to get this one. */
  readonly onFailing: Effect.Effect<void>
  /** Run after its gossip has closed. */
  readonly onFailed: Effect.Effect<void>
}

/** How many past doings a new listener of the account gets. */
const ACCOUNT_REPLAY = 64

/** Opens a topic in the current Scope and begins to look for neighbours. */
export const make = Effect.fnUntraced(function* (
  options: LiveTopicOptions,
): Effect.fn.Return<LiveTopic, TopicError, Scope.Scope | Dht | Crypto | SecretRotation | Identity> {
  const { id, secret, config, timers } = options
  const records = yield* RecordPublisher.make({ topic: id, secret, content: TopicRecordContent, config })
  const topic = new LiveTopic({
    ...options,
    scope: yield* Effect.scope,
    rotation: yield* SecretRotation,
    records,
    state: new TopicState(timers),
  })
  yield* Effect.addFinalizer(() => topic.leave)
  yield* Effect.uninterruptible(topic.begin)
  return topic
})

interface LiveTopicParts extends LiveTopicOptions {
  readonly scope: Scope.Scope
  readonly rotation: SecretRotation["Service"]
  readonly records: RecordPublisher.RecordPublisher<TopicRecordContent>
  readonly state: TopicState
}

interface Running {
  readonly session: Session
  readonly scope: Scope.Closeable
  readonly reconnecting: Reconnecting
}

/** Its effects are made when they are asked for: hundreds of topics may be open, of which each is asked for few. */
export class LiveTopic {
  readonly records: RecordPublisher.RecordPublisher<TopicRecordContent>
  readonly state: TopicState
  readonly events = new EventHub<TopicEvent>({ lagged })
  readonly activities = new EventHub<TopicActivity>({ replay: ACCOUNT_REPLAY })
  readonly account: Account
  readonly #parts: LiveTopicParts
  readonly #ended = Deferred.makeUnsafe<never, TopicError>()
  #lock: Semaphore.Semaphore | undefined
  #running: Running | undefined

  constructor(parts: LiveTopicParts) {
    this.#parts = parts
    this.records = parts.records
    this.state = parts.state
    this.account = new Account(this.activities, parts.timers, parts.failureLog)
  }

  get id(): TopicId {
    return this.#parts.id
  }

  get config(): TopicConfig {
    return this.#parts.config
  }

  /** The gossip topic now; fails while there is none. */
  get gossip(): Effect.Effect<GossipTopic, TopicError> {
    return Effect.suspend(() => {
      if (this.#running !== undefined) return Effect.succeed(this.#running.session.gossip)
      return Deferred.isDoneUnsafe(this.#ended) ? this.ended : Effect.fail(suspended())
    })
  }

  /** Never succeeds; fails when the topic ends. */
  get ended(): Effect.Effect<never, TopicError> {
    return Deferred.await(this.#ended)
  }

  /** Completes when there is a neighbour; fails when the topic ends. */
  get joined(): Effect.Effect<void, TopicError> {
    return Effect.raceFirst(this.state.joined.await, this.ended)
  }

  get suspend(): Effect.Effect<void> {
    return this.#oneAtATime(
      Effect.suspend(() =>
        this.#running === undefined
          ? Effect.void
          : Effect.andThen(this.#finish, this.account.tell({ _tag: "Suspended" })),
      ),
    )
  }

  get resume(): Effect.Effect<void, TopicError> {
    return this.#oneAtATime(
      Effect.suspend((): Effect.Effect<void, TopicError> => {
        if (Deferred.isDoneUnsafe(this.#ended)) return this.ended
        return this.#running === undefined
          ? Effect.andThen(this.account.tell({ _tag: "Resumed" }), this.begin)
          : Effect.void
      }),
    )
  }

  /** The network under us is another: look again now. */
  get networkChanged(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#running === undefined) return Effect.void
      const { reconnecting, session } = this.#running
      const told = Effect.andThen(this.account.tell({ _tag: "NetworkChanged" }), reconnecting.now)
      if (this.state.neighbors.size === 0 || !this.config.bubbleMerge.enabled) {
        return Effect.andThen(
          told,
          Effect.sync(() => lookAfresh(session)),
        )
      }
      const merge = mergeBubbles(session).pipe(this.account.forgive("bubbleMerge"), Effect.forkIn(session.scope))
      return Effect.andThen(told, Effect.asVoid(merge))
    })
  }

  /** We can be reached elsewhere, or by a relay now: whoever cannot reach us so far is to know it. Neighbours know it already. */
  get addressChanged(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#running === undefined || this.state.neighbors.size > 0) return
      const { session } = this.#running
      session.isElsewhere = true
      lookAfresh(session)
    })
  }

  /** Ends the topic because its last holder has left. */
  get leave(): Effect.Effect<void> {
    return this.#end(closed("the topic was left"))
  }

  /** Begins a session. */
  get begin(): Effect.Effect<void, TopicError> {
    return Effect.gen({ self: this }, function* () {
      const { config, gossip: service, pace, timers, tuning } = this.#parts
      const { account, records, state } = this
      const scope = yield* Scope.fork(this.#parts.scope)
      const gossip = yield* this.#openGossip.pipe(
        Scope.provide(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
      )
      const session: Session = {
        config,
        tuning,
        gossip: gossip.topic,
        records,
        state,
        account,
        scope,
        timers,
        pace,
        checkKeys: this.#checkKeys,
        ownAddress: service.address,
        learnAddress: service.learnAddress,
        lookNow: new Signal(timers, false),
        isNew: false,
        isElsewhere: false,
        cameToSwarm: false,
        thinning: new Thinning(tuning.maxSuppression),
        publishedMinute: undefined,
        publishedAlone: false,
      }
      const reconnecting = new Reconnecting({
        tuning,
        lost: state.lost,
        ask: askLost(session),
        timers,
        scope,
      })
      this.#running = { session, scope, reconnecting }
      yield* this.#pump(gossip.events, session.thinning, reconnecting).pipe(
        Effect.andThen(service.ready),
        Effect.match({ onFailure: ({ message }) => message, onSuccess: () => "the gossip service has closed" }),
        Effect.flatMap((message) => this.#fail(closed(message))),
        Effect.forkIn(scope),
      )
      yield* keepJoined(session, startWorkers(session)).pipe(
        Effect.catchDefect((defect) => Effect.fail(closed(`the search for neighbours broke: ${defect}`))),
        Effect.catch((error) => this.#fail(error)),
        Effect.forkIn(scope),
      )
      // Those of whom a suspension took leave are there still, and where they are is known.
      yield* reconnecting.now
    })
  }

  get #openGossip() {
    const { gossip, id } = this.#parts
    return Effect.gen(function* () {
      const topic = yield* gossip.open(id)
      return { topic, events: yield* topic.subscribe({ whenSlow: "backpressure" }) }
    }).pipe(Effect.mapError(fromGossip))
  }

  get #checkKeys() {
    const { id, rotation, secret } = this.#parts
    return Effect.flatMap(this.records.unixMinute, (unixMinute) =>
      rotation.encryptionSeed({ topic: id, unixMinute, initialSecretHash: initialSecretHash(secret) }),
    )
  }

  /** Reads gossip's events to their end, which comes unasked for only when the gossip service closes. */
  #pump(gossipEvents: Stream.Stream<GossipEvent>, thinning: Thinning, reconnecting: Reconnecting): Effect.Effect<void> {
    const { config, events, state } = this
    return Stream.runForEachArray(gossipEvents, (batch) => {
      const before = state.neighbors.size
      const isLost = state.apply(batch)
      const now = state.neighbors.size
      // So many at a time are not let go by shuffles and joins: it may be a split. At once and not with the next turn, for by
      // then gossip may have made up for them out of one side of it.
      if (now < before && now <= config.bubbleMerge.minNeighbors / 2) thinning.reset()
      const publish = events.publish(batch.map(toTopicEvent))
      return isLost ? Effect.andThen(reconnecting.soon, publish) : publish
    })
  }

  /** Ends the session: its fibers first, so that nothing is published or dialled any more, then gossip says goodbye. */
  get #finish(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#running === undefined) return Effect.void
      const { scope } = this.#running
      this.#running = undefined
      const sayDown = Effect.suspend(() => this.events.publishAtOnce(this.state.suspend()))
      return Effect.andThen(Scope.close(scope, Exit.void), sayDown)
    })
  }

  #end(error: TopicError): Effect.Effect<void> {
    return Deferred.fail(this.#ended, error).pipe(
      Effect.andThen(this.#finish),
      Effect.andThen(this.events.end),
      Effect.andThen(this.activities.end),
      (ending) => this.#oneAtATime(ending),
      Effect.uninterruptible,
    )
  }

  /** Called from a fiber of the session, which cannot wait for its own end. */
  #fail(error: TopicError) {
    return Effect.logError(`topic ${this.id.hex} ends: ${error.message}`).pipe(
      Effect.andThen(this.#parts.onFailing),
      Effect.andThen(this.#end(error)),
      Effect.andThen(this.#parts.onFailed),
      Effect.forkIn(this.#parts.scope),
    )
  }

  #oneAtATime<E>(effect: Effect.Effect<void, E>): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      this.#lock ??= Semaphore.makeUnsafe(1)
      return this.#lock.withPermit(Effect.uninterruptible(effect))
    })
  }
}

const lagged = (skipped: number): TopicEvent => ({ _tag: "Lagged", skipped })

const suspended = () => new TopicError({ reason: "Suspended", message: "the topic is suspended; resume it first" })

export const closed = (message: string) => new TopicError({ reason: "Closed", message })

/** What a gossip error means to the user of a topic. */
export const fromGossip = ({ reason, message }: { readonly reason: string; readonly message: string }): TopicError =>
  new TopicError({
    reason: reason === "MessageTooLarge" || reason === "InvalidArgument" ? reason : "Closed",
    message,
  })

const toTopicEvent = (event: GossipEvent): TopicEvent =>
  event._tag === "Received" ? new Message(event.content, event.deliveredFrom, event.scope, event.round) : event
