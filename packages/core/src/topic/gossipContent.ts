/**
 * What a topic's records say: who our neighbours are and which messages came last. The bytes are crypto's business; here is
 * how the content is made from what a node knows.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Schema } from "effect"

/** As many peers and as many hashes fit into a record (distributed-topic-tracker, `GossipRecordContent`). */
export const RECORD_SLOTS = 5

export interface GossipContent {
  readonly activePeers: ReadonlyArray<EndpointId.EndpointId>
  readonly lastMessageHashes: ReadonlyArray<Uint8Array>
}
declare const x: Schema.Codec<GossipContent, Uint8Array>
export const GossipContentBytes = x
