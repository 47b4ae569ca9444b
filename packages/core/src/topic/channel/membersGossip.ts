/**
 * A members-only topic in the shape of an open one: what a topic broadcasts are messages of the channel without a name, and what others
 * broadcast arrives as the event `Received`.
 */
import type { ChannelEvent, GossipEvent, GossipTopic, MembersTopic } from "@topic-tracker/gossip"
import { Effect, type Scope, Stream } from "effect"

/** The events that may wait: as many as reach a reader that takes a turn of the scheduler for each. */
const CAPACITY = 8_192

/** Opens the channels of the broadcasts until the scope closes. */
export const membersGossip = Effect.fnUntraced(function* (
  members: MembersTopic,
): Effect.fn.Return<GossipTopic, never, Scope.Scope> {
  const { gossip } = members
  const open = (neighborsOnly: boolean) =>
    members.channel("", { mode: { group: false, neighborsOnly }, capacity: CAPACITY })
  const swarm = yield* open(false)
  const neighbors = yield* open(true)
  return {
    ...gossip,
    // As on an open topic: without neighbours it reaches nobody, and that is no error.
    broadcast: (content, scope = "swarm") =>
      Effect.asVoid((scope === "swarm" ? swarm : neighbors).publish([content], { wait: false })),
    subscribe: (options) =>
      Effect.map(gossip.subscribe(options), (events) =>
        Stream.mergeAll(
          [
            // The topic is joined when it knows what was sent before: then it misses nothing.
            Stream.tap(events, (event) => (event._tag === "NeighborUp" ? members.hasHeads : Effect.void)),
            Stream.flatMap(swarm.events, toReceived("swarm")),
            Stream.flatMap(neighbors.events, toReceived("neighbors")),
          ],
          { concurrency: "unbounded" },
        ),
      ),
  }
})

const toReceived =
  (scope: "swarm" | "neighbors") =>
  (event: ChannelEvent): Stream.Stream<GossipEvent> => {
    if (event._tag === "Missed") return Stream.empty
    if (event._tag === "Lagged") return Stream.succeed(event)
    return Stream.succeed({
      _tag: "Received",
      content: event.message,
      deliveredFrom: event.deliveredFrom,
      scope,
      // The envelope does not say how far it came, except when its author sent it itself.
      round: event.author === event.deliveredFrom ? 0 : 1,
    })
  }
