/** Opens the gossip of a session, which has the same shape for an open topic and for a members-only one. */
import type { Gossip, GossipEvent, GossipTopic, MembersOptions, MembersTopic } from "@topic-tracker/gossip"
import { Effect, type Scope, type Stream } from "effect"
import { fromGossip, type TopicError } from "../TopicError.ts"
import type { TopicKey } from "../TopicKey.ts"
import { membersGossip } from "./membersGossip.ts"

export interface OpenedGossip {
  readonly topic: GossipTopic
  /** Undefined if the topic is open to everybody. */
  readonly members: MembersTopic | undefined
  readonly events: Stream.Stream<GossipEvent>
}

/** Takes part until the scope closes. `options` are those of a members-only topic. */
export const openGossip = (
  gossip: Gossip["Service"],
  key: TopicKey,
  options: MembersOptions,
): Effect.Effect<OpenedGossip, TopicError, Scope.Scope> =>
  Effect.gen(function* () {
    const members = key.access === "members" ? yield* gossip.openMembers(options) : undefined
    const topic = members === undefined ? yield* gossip.open(key.gossipTopic) : yield* membersGossip(members)
    return { topic, members, events: yield* topic.subscribe({ whenSlow: "backpressure" }) }
  }).pipe(Effect.mapError(fromGossip))
