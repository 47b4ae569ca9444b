/**
 * The Gossip service over any transport: this is where the engine's callbacks meet Effect. Each operation is one step into the
 * engine; all waiting (until congestion has passed, until last messages are out) is here.
 */
import type { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Effect, Random, Scope, Stream } from "effect"
import { type EndpointAddress, isEmptyAddress } from "../AddressLookup.ts"
import type { GossipConfig } from "../GossipConfig.ts"
import { MEMBERS_ALPN, MembersRouter } from "../members/MembersRouter.ts"
import { openMembersTopic } from "../members/MembersTopic.ts"
import {
  type BroadcastScope,
  GossipError,
  type GossipLatencies,
  type GossipService,
  type GossipStats,
  type GossipTopic,
  type OpenOptions,
  type SubscribeOptions,
} from "../model.ts"
import { maxContentBytes } from "../protocol/codec/message.ts"
import { encodePeerData } from "../protocol/codec/peerData.ts"
import { Xoshiro128 } from "../protocol/index.ts"
import { GossipTransport } from "../transport/Transport.ts"
import { Engine } from "./Engine.ts"
import type { OpenTopic } from "./OpenTopic.ts"
import type { SendQueue } from "./SendQueue.ts"
import { endedStats, sumLatencies, sumStats } from "./sumStats.ts"

const DEFAULT_CAPACITY = 64

/** A span needs no stack trace of this file; capturing one costs more than the span. */
const NO_STACK = { captureStackTrace: false }

const closedError = new GossipError({ reason: "Closed", message: "the topic has been closed" })

/** Starts an engine on the transport. When the scope closes, the engine leaves every topic and closes every connection. */
export const makeService = Effect.fnUntraced(function* (
  config: GossipConfig,
): Effect.fn.Return<GossipService, never, GossipTransport | Scope.Scope> {
  const transport = yield* GossipTransport
  const random = yield* Random.Random
  const fork = Effect.runForkWith(yield* Effect.context())
  const engine = new Engine(transport, {
    protocol: config,
    rng: new Xoshiro128(random.nextIntUnsafe()),
    sendQueueBytes: config.sendQueueBytes,
    stallTimeoutMs: config.stallTimeoutMs,
    lingerMs: config.lingerMs,
    onDefect: (defect) =>
      fork(
        Effect.logError("an exception in the gossip engine", defect).pipe(Effect.annotateLogs({ package: "gossip" })),
      ),
  })
  yield* transport.listen(engine.peers)
  /** The error of `open` once no topic can be opened any more. A function, because a kept error keeps what its stack trace refers to. */
  let closedReason: (() => GossipError) | undefined
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closedReason ??= () => new GossipError({ reason: "Closed", message: "gossip has been closed" })
      const ending = [...engine.topics.values()].flatMap((topic) => engine.closeTopic(topic))
      return awaitQueuesOver(ending, config.closeTimeoutMs).pipe(Effect.andThen(Effect.sync(() => engine.close())))
    }),
  )
  const setPeerData = (address: EndpointAddress) => {
    const data = isEmptyAddress(address) ? new Uint8Array(0) : encodePeerData(address)
    engine.dispatch({ _tag: "PeerDataChanged", data })
  }
  // It starts at once, so that even the first Join carries our address: no dial succeeds before the endpoint is bound.
  yield* transport.addressChanges.pipe(
    Stream.runForEach((address) => Effect.sync(() => setPeerData(address))),
    Effect.forkScoped({ startImmediately: true }),
  )
  yield* transport.ready.pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        closedReason ??= () => error
        engine.close()
      }),
    ),
    Effect.forkScoped({ startImmediately: true }),
  )

  const maxContent = maxContentBytes(config.maxMessageSize)

  const open = (id: TopicId, options: OpenOptions = {}): Effect.Effect<GossipTopic, GossipError, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (closedReason !== undefined) return Effect.fail(closedReason())
        const topic = engine.openTopic(id, options)
        if (topic !== undefined) return Effect.succeed(topic)
        const message = `topic: ${id.hex} is open already; close it first or share its handle`
        return Effect.fail(new GossipError({ reason: "InvalidArgument", message }))
      }),
      (topic) => Effect.suspend(() => awaitQueuesOver(engine.closeTopic(topic), config.closeTimeoutMs)),
    ).pipe(
      Effect.map((topic) => makeTopic(engine, topic, maxContent)),
      Effect.withSpan("Gossip.open", { attributes: { "gossip.topic.id": id.hex } }, NO_STACK),
    )

  const scope = yield* Effect.scope
  /** Listens for connections of members-only topics from the first such topic on. */
  const membersRouter = yield* Effect.cached(
    Effect.suspend(() => {
      const router = new MembersRouter(transport)
      return transport.listen(router, { alpn: MEMBERS_ALPN }).pipe(Scope.provide(scope), Effect.as(router))
    }),
  )

  /** The gossip of each members-only topic, as long as it is open. */
  const ofMembers = new Set<GossipService>()
  /** The counters and the times of those that were closed. */
  let ended: GossipStats | undefined
  let endedTimes: GossipLatencies | undefined
  const makeMembersService = (own: GossipConfig) =>
    Effect.tap(makeService(own), (service) =>
      Effect.acquireRelease(
        Effect.sync(() => ofMembers.add(service)),
        () =>
          Effect.map(Effect.all([service.stats, service.latencies]), ([stats, times]) => {
            ofMembers.delete(service)
            const last = endedStats(stats)
            ended = ended === undefined ? last : sumStats(ended, [last])
            endedTimes = endedTimes === undefined ? times : sumLatencies(endedTimes, [times])
          }),
      ),
    )

  return {
    endpointId: transport.endpointId,
    openMembers: (options) =>
      Effect.flatMap(membersRouter, (router) =>
        openMembersTopic(options, { config, router, makeGossip: makeMembersService }).pipe(
          Effect.provideService(GossipTransport, transport),
        ),
      ),
    maxContentBytes: maxContent,
    ready: transport.ready,
    open,
    learnAddress: (peer, address) => Effect.sync(() => transport.learnAddress(peer, address, "own")),
    address: transport.address,
    addressChanges: transport.addressChanges,
    networkChanges: transport.networkChanges,
    connections: {
      timers: transport.timers,
      listen: transport.listen,
      dial: transport.dial,
      gossipMessages: () => {
        let count = engine.messageCount
        for (const { connections } of ofMembers) count += connections.gossipMessages()
        return count
      },
    },
    stats: Effect.suspend(() =>
      Effect.map(Effect.all([...ofMembers].map(({ stats }) => stats)), (others) =>
        sumStats(engine.stats(), ended === undefined ? others : [...others, ended]),
      ),
    ),
    latencies: Effect.suspend(() =>
      Effect.map(Effect.all([...ofMembers].map(({ latencies }) => latencies)), (others) =>
        sumLatencies(engine.latencies(), endedTimes === undefined ? others : [...others, endedTimes]),
      ),
    ),
    paths: Effect.sync(() => transport.paths?.() ?? []),
  }
})

/** Waits until the queues are over, but no longer than `timeoutMs`. Takes no time if they are over already. */
const awaitQueuesOver = (queues: ReadonlyArray<SendQueue>, timeoutMs: number): Effect.Effect<void> => {
  const waiting = queues.filter((queue) => !queue.isOver)
  if (waiting.length === 0) return Effect.void
  const all = Effect.callback<void>((resume) => {
    let left = waiting.length
    for (const queue of waiting) queue.onceOver(() => --left === 0 && resume(Effect.void))
  })
  return all.pipe(Effect.timeoutOption(timeoutMs), Effect.asVoid)
}

/** The user's side of an open topic. A broadcast has no span: a span takes some 8 µs, and the engine takes some 20 µs for a whole message. */
const makeTopic = (engine: Engine, topic: OpenTopic, maxContent: number): GossipTopic => {
  const broadcast = (content: Uint8Array, scope: BroadcastScope = "swarm"): Effect.Effect<void, GossipError> =>
    Effect.suspend(() => {
      if (topic.isClosed) return Effect.fail(closedError)
      if (content.length > maxContent) {
        const message = `content: ${content.length} bytes; must be at most ${maxContent}`
        return Effect.fail(new GossipError({ reason: "MessageTooLarge", message }))
      }
      if (topic.isCongested) return Effect.andThen(awaitRelief(topic), broadcast(content, scope))
      // A copy, because the protocol keeps the content for peers that ask for it later.
      engine.dispatch({ _tag: "Broadcast", topic: topic.id.hex, content: content.slice(), scope })
      return Effect.void
    })

  const ask = (
    _tag: "Join" | "Connect",
    peers: ReadonlyArray<EndpointId.EndpointId>,
  ): Effect.Effect<void, GossipError> =>
    Effect.suspend(() => {
      if (topic.isClosed) return Effect.fail(closedError)
      engine.dispatch({ _tag, topic: topic.id.hex, peers })
      return Effect.void
    }).pipe(
      Effect.withSpan(
        `Gossip.${_tag === "Join" ? "join" : "connect"}`,
        { attributes: { "gossip.topic.id": topic.id.hex, "gossip.peer.count": peers.length } },
        NO_STACK,
      ),
    )

  return {
    id: topic.id,
    broadcast,
    awaitRoom: (bytes, withinMs) => awaitRoom(engine, topic, bytes, withinMs),
    join: (peers) => ask("Join", peers),
    connect: (peers) => ask("Connect", peers),
    mayConnect: Effect.sync(() => engine.mayConnect(topic)),
    estimatedSize: Effect.sync(() => engine.estimatedSize(topic)),
    vouchFor: (peers) =>
      Effect.sync(() => {
        if (!topic.isClosed) engine.dispatch({ _tag: "VouchFor", topic: topic.id.hex, peers })
      }),
    neighbors: Effect.sync(() => new Set(topic.neighbors)),
    neighborTrust: Effect.sync(() => engine.neighborTrust(topic)),
    refusals: Effect.sync(() => engine.refusals(topic)),
    subscribe: (options: SubscribeOptions = {}) => {
      const capacity = options.capacity ?? DEFAULT_CAPACITY
      if (!Number.isSafeInteger(capacity) || capacity < 1) {
        const message = `capacity: ${capacity}; must be an integer of at least 1`
        return Effect.fail(new GossipError({ reason: "InvalidArgument", message }))
      }
      return Effect.acquireRelease(
        Effect.suspend(() =>
          topic.isClosed
            ? Effect.fail(closedError)
            : Effect.succeed(topic.subscribe({ capacity, whenSlow: options.whenSlow ?? "drop-oldest" })),
        ),
        (subscriber) => Effect.sync(() => topic.unsubscribe(subscriber)),
      ).pipe(Effect.map((subscriber) => subscriber.stream))
    },
  }
}

/** Waits until no queue of the topic is congested, or the topic is closed. */
const awaitRelief = (topic: OpenTopic): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const cancel = topic.onceRelieved(() => resume(Effect.void))
    return Effect.sync(cancel)
  })

/** Waits until the queues to all neighbours are shorter, the time is over, or the topic is closed. */
const awaitRoom = (engine: Engine, topic: OpenTopic, bytes: number, withinMs: number): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    if (topic.isClosed) return Effect.succeed(false)
    if (engine.peers.fullestQueue(topic) < bytes) return Effect.succeed(true)
    return Effect.callback<boolean>((resume) => {
      const cancel = topic.onceRoom({ bytes, withinMs }, (hasRoom) => resume(Effect.succeed(hasRoom)))
      return Effect.sync(cancel)
    })
  })
