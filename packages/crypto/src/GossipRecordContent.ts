/**
 * The content of a gossip node's records: at most 5 peers that it is connected to, and the hashes of the last messages that it
 * saw, at most 5. Other nodes detect from both that a swarm is partitioned. 320 bytes; unused slots are filled with zeros.
 * Source: distributed-topic-tracker 0.3.5 `src/gossip/mod.rs` (`GossipRecordContent`).
 */

import { Postcard } from "@topic-tracker/postcard"
import { Schema } from "effect"
import * as EndpointId from "./EndpointId.ts"

/** The number of peers, and of message hashes, in a record. */
const SLOTS = 5
/** The size in bytes of a peer's id and of a message hash. */
const SLOT_BYTES = 32

const Hash = Schema.Uint8Array.check(
  Schema.makeFilter((hash: Uint8Array) => hash.length === SLOT_BYTES || `${hash.length} bytes; a message hash has 32`),
)

const Value = Schema.Struct({
  /** At most 5 endpoint ids. */
  activePeers: Schema.Array(EndpointId.EndpointId).check(Schema.isMaxLength(SLOTS)),
  /** At most 5 hashes of 32 bytes each, from `messageHash`. */
  lastMessageHashes: Schema.Array(Hash).check(Schema.isMaxLength(SLOTS)),
})

/**
 * The peers and message hashes of a gossip record.
 *
 * @since 0.1.0
 * @category models
 */
export type GossipRecordContent = typeof Value.Type

const Slots = Postcard.fixedBytes(SLOTS * SLOT_BYTES)

/**
 * The Schema of the content, encoded to 320 bytes. Decoding drops slots that are all zero.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GossipRecordContent: Schema.Codec<GossipRecordContent, Uint8Array> = Postcard.toSchema(
  Postcard.transform(Postcard.struct({ activePeers: Slots, lastMessageHashes: Slots }), Value, {
    decode: ({ activePeers, lastMessageHashes }) => ({
      activePeers: filled(activePeers).map(EndpointId.fromBytes),
      lastMessageHashes: filled(lastMessageHashes),
    }),
    encode: ({ activePeers, lastMessageHashes }) => ({
      activePeers: inSlots(activePeers.map(EndpointId.bytes)),
      lastMessageHashes: inSlots(lastMessageHashes),
    }),
  }),
)

const inSlots = (entries: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(SLOTS * SLOT_BYTES)
  entries.forEach((entry, index) => {
    bytes.set(entry, index * SLOT_BYTES)
  })
  return bytes
}

const filled = (bytes: Uint8Array): Array<Uint8Array> => {
  const entries: Array<Uint8Array> = []
  for (let offset = 0; offset < bytes.length; offset += SLOT_BYTES) {
    const entry = bytes.slice(offset, offset + SLOT_BYTES)
    if (entry.some((byte) => byte !== 0)) entries.push(entry)
  }
  return entries
}
