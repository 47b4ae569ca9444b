/**
 * One open topic, shared by every join of it in this process: its sessions and its end. The only place that starts and stops the fibers
 * of a topic as a whole. `makeLiveTopic.ts` makes it, and `makeTopic.ts` the topic of a program from it.
 *
 * A session starts with two fibers. One reads gossip's events, keeps the {@link SwarmView} current and passes the events to the
 * subscribers. The other keeps the topic joined. The first neighbour adds one fiber for each duty of the workers, a lost neighbour one
 * that reconnects.
 */
import { Signal } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { GossipEvent, GossipTopic } from "@topic-tracker/gossip"
import { Deferred, Effect, Exit, Scope, Semaphore, Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { InvitePeer } from "../invite/Invite.ts"
import type * as RecordPublisher from "../records/RecordPublisher.ts"
import type { TopicRecordContent } from "../records/TopicRecordContent.ts"
import type { ActivityLog } from "./ActivityLog.ts"
import type { ChannelSessions } from "./channel/openChannel.ts"
import { openGossip } from "./channel/openGossip.ts"
import { EventHub } from "./EventHub.ts"
import { mergeBubbles } from "./joined/merges.ts"
import { startWorkers } from "./joined/workers.ts"
import { SwarmView } from "./knowledge/SwarmView.ts"
import type { LiveTopicParts } from "./LiveTopicParts.ts"
import { logAnnotations, withTopicSpan } from "./observability.ts"
import { makePeerLink, type PeerLink } from "./PeerLink.ts"
import { SecretKeeper } from "./SecretKeeper.ts"
import { makeSession, type RunningSession } from "./Session.ts"
import { InvitedPeers } from "./search/InvitedPeers.ts"
import { keepJoined } from "./search/keepJoined.ts"
import type { TopicStats } from "./TopicActivity.ts"
import { type TopicError, topicClosed, topicSuspended } from "./TopicError.ts"
import type { TopicEvent } from "./TopicEvent.ts"
import type { TopicKey } from "./TopicKey.ts"
import { toLagged, toTopicEvent, withOwnContent } from "./topicEvents.ts"

/** Its effects are made by methods: hundreds of topics may be open, and each needs few of its effects. */
export class LiveTopic {
  readonly id: TopicKey["topic"]
  readonly name: string | undefined
  readonly config: TopicConfig
  readonly access: TopicKey["access"]
  readonly records: RecordPublisher.RecordPublisher<TopicRecordContent>
  readonly swarm: SwarmView
  readonly events = new EventHub<TopicEvent>({ lagged: toLagged, copy: withOwnContent })
  readonly activity: ActivityLog
  /** The secrets that this process was given. */
  readonly secrets: SecretKeeper
  /** The gossip topic now. Fails while there is none. */
  readonly requireGossip: Effect.Effect<GossipTopic, TopicError>
  /** The sessions of a members-only topic, for its channels. */
  readonly sessions: ChannelSessions
  /** See {@link Topic.peerLink}. */
  readonly requireLink: Effect.Effect<PeerLink, TopicError>
  readonly #parts: LiveTopicParts
  readonly #invited: InvitedPeers
  readonly #ended = Deferred.makeUnsafe<never, TopicError>()
  #lock: Semaphore.Semaphore | undefined
  #running: RunningSession | undefined
  readonly #isRunning: Signal

  constructor(parts: LiveTopicParts) {
    const { activity, key, records, timers } = parts
    this.#parts = parts
    this.#invited = new InvitedPeers(records.endpointId, key.settings.invited)
    this.id = key.topic
    this.name = key.settings.name
    this.config = key.settings.config
    this.access = key.access
    this.records = records
    this.swarm = new SwarmView(timers)
    this.activity = activity
    const { gossip, members } = parts
    const { rotation } = members
    this.secrets = new SecretKeeper({ key, rotation, endpointId: records.endpointId, ownAddress: gossip.address })
    this.requireGossip = Effect.suspend(() => {
      if (this.#running !== undefined) return Effect.succeed(this.#running.context.gossip)
      return Deferred.isDoneUnsafe(this.#ended) ? this.awaitEnd() : Effect.fail(topicSuspended())
    })
    const current = Effect.andThen(
      this.requireGossip,
      Effect.sync(() => this.#running?.members),
    )
    this.#isRunning = new Signal(timers, false)
    this.sessions = {
      current,
      next: Effect.suspend(() => Effect.raceFirst(this.#isRunning.await, this.awaitEnd())).pipe(
        Effect.andThen(current),
      ),
    }
    this.requireLink = Effect.andThen(
      this.requireGossip,
      Effect.suspend(() => (this.#running === undefined ? this.awaitEnd() : Effect.succeed(this.#running.link))),
    )
  }

  /** Counters since the topic was opened. */
  stats(): Effect.Effect<TopicStats> {
    return Effect.sync(() => ({ ...this.activity.counters, messagesReceived: this.swarm.messages.receivedCount }))
  }

  /** Never succeeds. Fails when the topic ends. */
  awaitEnd(): Effect.Effect<never, TopicError> {
    return Deferred.await(this.#ended)
  }

  /** Fails if the topic has ended. */
  readonly requireOpen: Effect.Effect<void, TopicError> = Effect.suspend(() =>
    Deferred.isDoneUnsafe(this.#ended) ? this.awaitEnd() : Effect.void,
  )

  /** Completes when there is a neighbour. Fails when the topic ends. */
  awaitJoined(): Effect.Effect<void, TopicError> {
    return Effect.raceFirst(this.swarm.joined.await, this.awaitEnd())
  }

  /** Ends the session. Streams stay open. */
  suspend(): Effect.Effect<void> {
    return this.#oneAtATime(
      Effect.suspend(() =>
        this.#running === undefined
          ? Effect.void
          : Effect.andThen(this.#endSession(), this.activity.report({ _tag: "Suspended" })),
      ),
    ).pipe(withTopicSpan("Topic.suspend", this.id))
  }

  /** Starts a session if there is none. */
  resume(): Effect.Effect<void, TopicError> {
    return this.#oneAtATime(
      Effect.suspend((): Effect.Effect<void, TopicError> => {
        if (Deferred.isDoneUnsafe(this.#ended)) return this.awaitEnd()
        return this.#running === undefined
          ? Effect.andThen(this.activity.report({ _tag: "Resumed" }), this.startSession())
          : Effect.void
      }),
    ).pipe(withTopicSpan("Topic.resume", this.id))
  }

  /** The network of this host changed: searches, or merges, at once. */
  networkChanged(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#running === undefined) return Effect.void
      const { context, reconnector, search } = this.#running
      const reported = Effect.andThen(this.activity.report({ _tag: "NetworkChanged" }), reconnector.askNow())
      if (this.swarm.neighbors.size === 0 || !this.config.bubbleMerge.enabled) {
        return Effect.andThen(
          reported,
          Effect.sync(() => search.restart()),
        )
      }
      const merge = mergeBubbles(context).pipe(this.activity.ignoreFailure("bubbleMerge"), Effect.forkIn(context.scope))
      return Effect.andThen(reported, Effect.asVoid(merge))
    })
  }

  /** Our addresses changed: a node without neighbours publishes them. Neighbours know them already. */
  addressChanged(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#running === undefined || this.swarm.neighbors.size > 0) return
      this.#running.ownRecord.addressChanged()
      this.#running.search.restart()
    })
  }

  /** Dials these endpoints at once if there is no neighbour, and in each search from now on. */
  addInvited(peers: ReadonlyArray<InvitePeer>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const hasNew = this.#invited.add(peers)
      return hasNew && this.#running !== undefined && this.swarm.neighbors.size === 0
        ? this.#running.search.askInvited()
        : Effect.void
    })
  }

  /** Ends the topic because its last user has left it. */
  leave(): Effect.Effect<void> {
    return this.#end(topicClosed("the topic was left"))
  }

  startSession(): Effect.Effect<void, TopicError> {
    return Effect.gen({ self: this }, function* () {
      const { gossip: service } = this.#parts
      // Not a fork of the topic's scope: that would close it before `leave`, and a channel whose readers end would enter the same session again.
      const scope = yield* Scope.make()
      const gossip = yield* openGossip(service, this.#parts.key, this.#parts.members).pipe(
        Scope.provide(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
      )
      const ended = Deferred.makeUnsafe<void>()
      const link = makePeerLink({ ...this.#parts, members: gossip.members, ended })
      const invited = this.#invited.addresses
      const session = makeSession(this.#parts, { gossip: gossip.topic, invited, scope, swarm: this.swarm })
      const running = { ...session, members: gossip.members, link, ended }
      const { context, ownRecord, reconnector, search } = running
      this.#running = running
      this.#isRunning.open()
      yield* this.#readGossip(gossip.events, running).pipe(
        Effect.andThen(service.ready),
        Effect.match({ onFailure: ({ message }) => message, onSuccess: () => "the gossip service is closed" }),
        Effect.flatMap((message) => this.#fail(topicClosed(message))),
        Effect.forkIn(scope),
      )
      yield* keepJoined(context, search, startWorkers({ session: context, ownRecord, search })).pipe(
        Effect.catchDefect((defect) => Effect.fail(topicClosed(`the search for neighbours broke: ${defect}`))),
        Effect.catch((error) => this.#fail(error)),
        Effect.forkIn(scope),
      )
      // The neighbours from before a suspend probably still run, and their addresses are known.
      yield* reconnector.askNow()
    })
  }

  /** Reads gossip's events until they end, which happens only when the gossip service closes. */
  #readGossip(
    gossipEvents: Stream.Stream<GossipEvent>,
    { context, memberSearch, reconnector }: RunningSession,
  ): Effect.Effect<void> {
    const { config, events, swarm } = this
    const isMembersOnly = this.#parts.key.access === "members"
    return Stream.runForEachArray(gossipEvents, (batch) => {
      const before = swarm.neighbors.size
      const proven = isMembersOnly ? this.#noteDoors(batch) : []
      const hasLost = swarm.apply(batch)
      const now = swarm.neighbors.size
      if (isMembersOnly) this.#parts.doors.setAlone(now === 0)
      // Shuffles and joins replace fewer neighbours at a time, so this may be a partition. The trickle timer starts anew now and not
      // with the next round: by then gossip may have replaced the lost neighbours by peers of one side.
      if (now < before && now <= config.bubbleMerge.minNeighbors / 2) context.trickle.reset()
      const publish = events.publish(batch.map(toTopicEvent))
      const searched = memberSearch.isWanted ? Effect.andThen(memberSearch.start(), publish) : publish
      const vouched = proven.length > 0 ? Effect.andThen(context.gossip.vouchFor(proven), searched) : searched
      return hasLost ? Effect.andThen(reconnector.onNeighborLost(), vouched) : vouched
    })
  }

  /** The new neighbours of a members-only topic: they have proven that they are members. */
  #noteDoors(batch: ReadonlyArray<GossipEvent>): ReadonlyArray<EndpointId.EndpointId> {
    const proven = batch.flatMap((event) => (event._tag === "NeighborUp" ? [event.peer] : []))
    if (proven.length > 0) this.swarm.addMembers(proven)
    for (const peer of proven) this.#parts.doors.neighborUp(peer)
    return proven
  }

  /** Ends the session: first its fibers, so that nothing is published or dialled any more, then gossip, which notifies the neighbours. */
  #endSession(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#running === undefined) return Effect.void
      const { ended, scope } = this.#running
      this.#running = undefined
      this.#isRunning.close()
      Deferred.doneUnsafe(ended, Exit.void)
      const reportDown = Effect.suspend(() => this.events.publishAtOnce(this.swarm.suspend()))
      return Effect.andThen(Scope.close(scope, Exit.void), reportDown)
    })
  }

  #end(error: TopicError): Effect.Effect<void> {
    return Deferred.fail(this.#ended, error).pipe(
      Effect.andThen(this.#endSession()),
      Effect.andThen(this.events.end),
      Effect.andThen(this.activity.end()),
      (ending) => this.#oneAtATime(ending),
      Effect.uninterruptible,
    )
  }

  /** Ends the topic with an error. Runs in a fiber of its own: the session's fibers, which call it, cannot wait for their own end. */
  #fail(error: TopicError) {
    return Effect.logError(`topic ${this.id.hex} ends: ${error.message}`).pipe(
      Effect.annotateLogs(logAnnotations(this.id)),
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
