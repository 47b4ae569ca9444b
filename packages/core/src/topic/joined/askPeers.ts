/** Asks known peers to become neighbours: peers of records that a merge chose, and lost neighbours. */
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Random } from "effect"
import type { SessionContext } from "../SessionContext.ts"
import type { Activity, Actor } from "../TopicActivity.ts"
import { hasEnoughNeighbors } from "./shouldRunRound.ts"

type Peers = ReadonlyArray<EndpointId.EndpointId>

/**
 * Asks up to `max` of the peers, chosen at random. A node with enough neighbours asks for one link each (`connect`); a node with few
 * asks to be let in as a newcomer (`join`), which brings more neighbours. Returns the peers that were asked.
 */
export const askPeers = Effect.fnUntraced(function* (session: SessionContext, by: Actor, peers: Peers, max: number) {
  const toActivity = (chosen: Peers): Activity => ({ _tag: "Merging", by, peers: chosen })
  const asked = yield* askSome(session, hasEnoughNeighbors(session) ? "connect" : "join", peers, max, toActivity)
  if (asked.length > 0) session.activity.counters.merges++
  return asked
})

/**
 * Asks up to `max` of the peers, chosen at random, in the given way. Returns the peers that were asked: none while gossip would not send
 * the requests, since a peer that got none is not silent.
 */
export const askSome = Effect.fnUntraced(function* (
  { activity, config, gossip, swarm }: SessionContext,
  way: "connect" | "join",
  peers: Peers,
  max: number,
  toActivity: (chosen: Peers) => Activity,
) {
  if (peers.length === 0 || (way === "connect" && !(yield* gossip.mayConnect))) return []
  const chosen = (yield* Random.shuffle(peers)).slice(0, max)
  yield* activity.report(toActivity(chosen))
  for (const peer of chosen) swarm.asked.addAsked(peer)
  yield* gossip[way](chosen).pipe(Effect.timeout(config.timeouts.joinPeer))
  return chosen
})

/**
 * Asks lost neighbours. A node without neighbours asks several to let it in. A node with neighbours asks one for a link: its swarm is
 * mostly whole then, and the lost peer has crashed.
 */
export const askLost = Effect.fnUntraced(function* (session: SessionContext) {
  const { activity, config, swarm } = session
  const isAlone = swarm.neighbors.size === 0
  const lost = [...swarm.lost.keys()]
  const max = Math.min(lost.length, isAlone ? config.join.maxJoinPeerCount : 1)
  activity.counters.dials += max
  const toActivity = (peers: Peers): Activity => ({ _tag: "Reconnecting", peers })
  yield* askSome(session, isAlone ? "join" : "connect", lost, max, toActivity).pipe(activity.ignoreFailure("reconnect"))
})
