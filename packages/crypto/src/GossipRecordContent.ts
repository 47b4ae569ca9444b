/**
 * What a gossiping node says in its records: up to 5 peers that it is connected to and the hashes of the last up to 5
 * messages that it saw, by which nodes notice that their swarm has split. 320 bytes, empty places filled with zeros.
 * Source: distributed-topic-tracker `src/gossip/mod.rs` (`GossipRecordContent`).
 */

import { Postcard } from "@topic-tracker/postcard"
import { Schema } from "effect"
import * as EndpointId from "./EndpointId.ts"

const slots = 5
const slotSize = 32

const Hash = Schema.Uint8Array.check(
  Schema.makeFilter((hash: Uint8Array) => hash.length === slotSize || `${hash.length} bytes; a message hash has 32`),
)

const Value = Schema.Struct({
  /** At most 5 endpoint ids. */
  activePeers: Schema.Array(EndpointId.EndpointId).check(Schema.isMaxLength(slots)),
  /** At most 5 hashes of 32 bytes each, as `messageHash` makes them. */
  lastMessageHashes: Schema.Array(Hash).check(Schema.isMaxLength(slots)),
})

export type GossipRecordContent = typeof Value.Type

const Slots = Postcard.fixedBytes(slots * slotSize)

/** The content as bytes and back. Places that are all zero are dropped when it is read. */
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
  const bytes = new Uint8Array(slots * slotSize)
  entries.forEach((entry, index) => {
    bytes.set(entry, index * slotSize)
  })
  return bytes
}

const filled = (bytes: Uint8Array): Array<Uint8Array> => {
  const entries: Array<Uint8Array> = []
  for (let offset = 0; offset < bytes.length; offset += slotSize) {
    const entry = bytes.slice(offset, offset + slotSize)
    if (entry.some((byte) => byte !== 0)) entries.push(entry)
  }
  return entries
}
