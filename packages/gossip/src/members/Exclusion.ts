/** Exclusions from a members-only topic, as protocols beside gossip hear of them. Types only. */
import type { EndpointId } from "@topic-tracker/crypto"

/**
 * An exclusion from a members-only topic. `Peer`: `allow` refuses the peer now as a neighbour or for streams, its proof has ended without a new one, or
 * it misbehaved. `Older`: proofs that named an earlier minute than `epoch` do not count any more; their peers may prove themselves again.
 *
 * @since 0.1.0
 * @category models
 */
export type Exclusion =
  | { readonly _tag: "Peer"; readonly peer: EndpointId.EndpointId }
  | { readonly _tag: "Older"; readonly epoch: number }
