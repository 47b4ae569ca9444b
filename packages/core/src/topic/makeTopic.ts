/**
 * The face of a live topic: turns what a user asks into calls of gossip, with the configured time-outs and clear errors.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { BroadcastScope, GossipError, GossipTopic, SubscribeOptions } from "@topic-tracker/gossip"
import { Duration, Effect, Random, type Scope, Stream } from "effect"
import { fromGossip, type LiveTopic } from "./LiveTopic.ts"
import type { Topic, TopicReceiver, TopicSender } from "./Topic.ts"
import { TopicError } from "./TopicError.ts"
import type { TopicEvent } from "./TopicEvent.ts"

/**
 * A topic for its user, until the Scope closes; `keepAlive` counts one more holder of it in the current Scope. What happens
 * from now on waits for the user's first subscription: whoever joins, speaks, and only then listens hears the answer.
 */
export const make = Effect.fnUntraced(function* (
  live: LiveTopic,
  keepAlive: Effect.Effect<void, TopicError, Scope.Scope>,
): Effect.fn.Return<Topic, never, Scope.Scope> {
  const { id, config, state, account, events } = live
  const { timeouts } = config
  const defaults = { capacity: config.subscribers.capacity, whenSlow: config.subscribers.whenSlow }
  let unheard: (() => ReadonlyArray<TopicEvent>) | undefined = yield* events.keep(defaults.capacity)
  const takeUnheard = (): ReadonlyArray<TopicEvent> => {
    const take = unheard
    unheard = undefined
    return take?.() ?? []
  }

  const call = (
    name: string,
    timeout: Duration.Duration,
    use: (gossip: GossipTopic) => Effect.Effect<void, GossipError>,
  ): Effect.Effect<void, TopicError> =>
    Effect.flatMap(live.gossip, (gossip) => Effect.mapError(use(gossip), fromGossip)).pipe(
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(timedOut(name, timeout)) }),
    )

  const broadcast = (name: string, timeout: Duration.Duration, scope: BroadcastScope) => {
    return (content: string | Uint8Array) => {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
      const told = call(name, timeout, (gossip) => gossip.broadcast(bytes, scope))
      return scope === "swarm" ? Effect.tap(told, () => Effect.sync(() => state.heard.sent(bytes))) : told
    }
  }

  const sender: TopicSender = {
    id,
    keepAlive,
    broadcast: broadcast("broadcast", timeouts.broadcast, "swarm"),
    broadcastNeighbors: broadcast("broadcastNeighbors", timeouts.broadcastNeighbors, "neighbors"),
    joinPeers: Effect.fnUntraced(function* (peers: Iterable<EndpointId.EndpointId>, max?: number) {
      if (max !== undefined && !(Number.isInteger(max) && max >= 1)) {
        return yield* new TopicError({
          reason: "InvalidArgument",
          message: `max: ${max}; expected a whole number from 1`,
        })
      }
      const all = [...peers].filter((peer) => peer !== live.records.endpointId)
      const chosen = max === undefined ? all : (yield* Random.shuffle(all)).slice(0, max)
      yield* call("joinPeers", timeouts.joinPeer, (gossip) => gossip.join(chosen))
    }),
  }

  const neighborsNow = Effect.sync((): ReadonlySet<EndpointId.EndpointId> => new Set(state.neighbors))
  const subscribe = (options?: SubscribeOptions) => events.subscribe({ ...defaults, ...options }, takeUnheard)
  const stream = Stream.unwrap(subscribe())
  const receiver: TopicReceiver = {
    id,
    keepAlive,
    events: stream,
    subscribe,
    messages: Stream.filter(stream, isMessage),
    neighbors: neighborsNow,
    neighborChanges: Stream.unwrap(
      Effect.map(events.subscribe({ capacity: defaults.capacity }), (changes) =>
        Stream.concat(
          Stream.fromEffect(neighborsNow),
          changes.pipe(
            Stream.filter((event) => event._tag !== "Message"),
            Stream.mapEffect(() => neighborsNow),
          ),
        ),
      ),
    ),
    isJoined: Effect.sync(() => state.neighbors.size > 0),
    joined: live.joined,
    lastMessageHashes: Effect.sync(() => state.heard.last()),
  }

  return {
    ...sender,
    ...receiver,
    config,
    split: { sender, receiver },
    recordPublisher: live.records,
    suspend: live.suspend,
    resume: live.resume,
    account: live.activities.stream({ capacity: ACCOUNT_CAPACITY }),
    stats: Effect.sync(() => ({ ...account.counters, messagesReceived: state.heard.count })),
  }
})

const ACCOUNT_CAPACITY = 256

const isMessage = (event: TopicEvent) => event._tag === "Message"

const timedOut = (name: string, timeout: Duration.Duration) =>
  new TopicError({ reason: "Timeout", message: `${name}: not done after ${Duration.format(timeout)}` })
