/** Peer streams of a node of the benchmarks, which admits everybody. */
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import type { PeerConnections } from "@topic-tracker/gossip"
import { Peers, type PeersLimitsInput } from "@topic-tracker/peers"
import { Effect } from "effect"

export const peersOf = (
  node: { readonly id: EndpointId.EndpointId; readonly connections: PeerConnections },
  limits: PeersLimitsInput = {},
) => {
  const link = {
    endpointId: node.id,
    connections: node.connections,
    gossipTopic: TopicId.fromName("bench").bytes,
    door: undefined,
    admits: () => Effect.succeed(true),
    onExcluded: () => () => {},
    ended: Effect.never,
  }
  return Peers.make({ peerLink: Effect.succeed(link) }, { allow: () => Effect.succeed(true), limits })
}
