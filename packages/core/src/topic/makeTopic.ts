/**
 * Makes the {@link Topic} of one join from a live topic: checks arguments, applies the configured timeouts, and turns gossip's errors
 * into TopicErrors.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { BroadcastScope, GossipError, GossipTopic } from "@topic-tracker/gossip"
import { Duration, Effect, Random, type Scope, Stream } from "effect"
import { contentBytes, invalidContent, secretOf } from "./arguments.ts"
import { openChannel } from "./channel/openChannel.ts"
import type { LiveTopic } from "./LiveTopic.ts"
import { SendSpans, withTopicSpan } from "./observability.ts"
import type { Topic, TopicReceiver, TopicSender, TopicSubscribeOptions } from "./Topic.ts"
import { fromGossip, invalidArgument, type TopicError, topicTimedOut } from "./TopicError.ts"
import type { TopicEvent } from "./TopicEvent.ts"

/**
 * The topic until the Scope closes. `keepAlive` keeps the live topic open in the current Scope. Events from now on wait for the first
 * listener to events, and separately for the first listener to messages: a program that joins, sends and only then listens gets the
 * answer, also if another part of it listened for neighbours before.
 */
export const makeTopic = Effect.fnUntraced(function* (
  live: LiveTopic,
  keepAlive: Effect.Effect<void, TopicError, Scope.Scope>,
): Effect.fn.Return<Topic, never, Scope.Scope> {
  const { id, config, swarm, activity, events, records } = live
  const { capacity, whenSlow } = config.subscribers
  const takeKeptEvents = once(yield* events.keep(capacity))
  const takeKeptMessages = once(yield* events.keep(capacity))
  const sender: TopicSender = { id, keepAlive, ...makeSender(live) }
  const neighborsNow = Effect.sync((): ReadonlySet<EndpointId.EndpointId> => new Set(swarm.neighbors))
  const subscribe = ({ replay = true, ...options }: TopicSubscribeOptions = {}) =>
    events.subscribe({ capacity, whenSlow, ...options }, replay ? takeKeptEvents : undefined)
  const receiver: TopicReceiver = {
    id,
    keepAlive,
    events: Stream.unwrap(subscribe()),
    subscribe,
    messages: Stream.filter(Stream.unwrap(events.subscribe({ capacity, whenSlow }, takeKeptMessages)), isMessage),
    neighbors: neighborsNow,
    neighborChanges: Stream.unwrap(
      Effect.map(events.subscribe({ capacity }), (changes) =>
        Stream.concat(
          Stream.fromEffect(neighborsNow),
          changes.pipe(
            Stream.filter((event) => event._tag !== "Message"),
            Stream.mapEffect(() => neighborsNow),
          ),
        ),
      ),
    ),
    isJoined: Effect.sync(() => swarm.neighbors.size > 0),
    joined: live.awaitJoined(),
    lastMessageHashes: Effect.sync(() => swarm.messages.lastHashes()),
  }
  return {
    ...sender,
    ...receiver,
    config,
    split: { sender, receiver },
    recordPublisher: records,
    suspend: live.suspend(),
    resume: live.resume(),
    activity: activity.stream(),
    peerLink: live.requireLink,
    channel: (name, schema, options) => openChannel(live.sessions, name, schema, options),
    recheck: Effect.flatMap(live.sessions.current, (members) => members?.recheck ?? Effect.void),
    endOverlap: Effect.flatMap(live.sessions.current, (members) => members?.endOverlap ?? Effect.void),
    replaceSecret: (secret, options = {}) =>
      Effect.flatMap(secretOf(secret), (value) => live.secrets.replace(value, options)),
    invite: (options = {}) => Effect.andThen(live.requireOpen, live.secrets.invite(options)),
    stats: live.stats(),
  }
})

/** The kept events for the first call, none for later ones. */
const once = (take: () => ReadonlyArray<TopicEvent>): (() => ReadonlyArray<TopicEvent>) => {
  let kept: typeof take | undefined = take
  return () => {
    const events = kept?.() ?? []
    kept = undefined
    return events
  }
}

const makeSender = ({
  config,
  id,
  records,
  requireGossip,
  swarm,
}: LiveTopic): Omit<TopicSender, "id" | "keepAlive"> => {
  const { timeouts } = config
  const spans = new SendSpans(id)

  const call = (
    name: string,
    timeout: Duration.Duration,
    use: (gossip: GossipTopic) => Effect.Effect<void, GossipError>,
  ): Effect.Effect<void, TopicError> =>
    Effect.flatMap(requireGossip, (gossip) => Effect.mapError(use(gossip), fromGossip)).pipe(
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(timedOut(name, timeout)) }),
    )

  const broadcast = (name: string, timeout: Duration.Duration, scope: BroadcastScope) => {
    const spanName = `Topic.${name}`
    return (content: string | Uint8Array) => {
      const bytes = contentBytes(content)
      if (bytes === undefined) return Effect.fail(invalidContent(content))
      const sent = call(name, timeout, (gossip) => gossip.broadcast(bytes, scope))
      const remembered =
        scope === "swarm" ? Effect.tap(sent, () => Effect.sync(() => swarm.messages.addSent(bytes))) : sent
      return spans.wrap(spanName, bytes.length, remembered)
    }
  }

  return {
    broadcast: broadcast("broadcast", timeouts.broadcast, "swarm"),
    broadcastNeighbors: broadcast("broadcastNeighbors", timeouts.broadcastNeighbors, "neighbors"),
    joinPeers: (peers, max) =>
      Effect.gen(function* () {
        if (max !== undefined && !(Number.isInteger(max) && max >= 1)) {
          return yield* invalidArgument("max", String(max), "a whole number from 1")
        }
        const all = [...peers].filter((peer) => peer !== records.endpointId)
        const chosen = max === undefined ? all : (yield* Random.shuffle(all)).slice(0, max)
        yield* call("joinPeers", timeouts.joinPeer, (gossip) => gossip.join(chosen))
      }).pipe(withTopicSpan("Topic.joinPeers", id)),
  }
}

const isMessage = (event: TopicEvent) => event._tag === "Message"

const timedOut = (name: string, timeout: Duration.Duration) =>
  topicTimedOut(`${name}: not done after ${Duration.format(timeout)}`)
