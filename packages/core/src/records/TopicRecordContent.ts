/**
 * The content of a topic's record: the content of the Rust crate distributed-topic-tracker (see `GossipRecordContent`), followed by
 * the addresses of the record's node, with which a reader can dial the node at once, and the access of its topic.
 *
 * On the wire: the 320 bytes of the crate; the tag `addr` and the address in gossip's own encoding (`Protocol.encodePeerData`); in a
 * members-only topic the tag `memb` and a byte. A node of the crate ignores the bytes after its own part: it decodes with
 * `postcard::from_bytes` (distributed-topic-tracker 0.3.5, `src/crypto/record.rs`).
 */
import { Bytes } from "@topic-tracker/common"
import { EndpointId, GossipRecordContent } from "@topic-tracker/crypto"
import { type EndpointAddress, Protocol } from "@topic-tracker/gossip"
import { Effect, Result, Schema, SchemaTransformation } from "effect"
import type { TopicRecord } from "./TopicRecord.ts"

/** The size of the crate's part. */
const CRATE_BYTES = 320
/** Marks our part: a later version of the crate may put other bytes here. */
const TAG = new TextEncoder().encode("addr")
/** Marks the access. An open topic has no mark: its records stay as they were before there was another access. */
const ACCESS_TAG = new TextEncoder().encode("memb")
const MEMBERS = Bytes.concat(ACCESS_TAG, Uint8Array.of(1))
/**
 * A node of the crate names 20 nodes in an answer that also has the item: with more addresses the datagram would exceed the 1,472 bytes of
 * an Ethernet frame and be fragmented. That is room for a relay and one or two direct addresses, or for eight IPv4 addresses; the others
 * are in the address packet.
 */
const MAX_EXTRA_BYTES = 72
/** The number of direct addresses of one node that are read. */
const MAX_DIRECT_ADDRESSES = 16

const Value = Schema.Struct({
  /** At most 5 endpoint ids. Reading drops those that are no Ed25519 keys. */
  activePeers: Schema.Array(EndpointId.EndpointId),
  /** At most 5 hashes of 32 bytes each. */
  lastMessageHashes: Schema.Array(Schema.Uint8Array),
  /** The addresses of the record's node, signed by it. Empty if it does not know or publish them; absent in a record of the crate. */
  address: Schema.optionalKey(
    Schema.Struct({ relayUrl: Schema.UndefinedOr(Schema.String), direct: Schema.Array(Schema.String) }),
  ),
  /** Present if the topic is members-only. */
  access: Schema.optionalKey(Schema.Literal("members")),
})

/**
 * The content of a topic's record.
 *
 * @since 0.1.0
 * @category models
 */
export type TopicRecordContent = typeof Value.Type

/** A verified record of a topic. */
export type GossipRecord = TopicRecord<TopicRecordContent>

/**
 * The content as bytes and back. Encoding drops the last addresses that do not fit.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TopicRecordContent: Schema.Codec<TopicRecordContent, Uint8Array> = Schema.Uint8Array.pipe(
  Schema.decodeTo(
    Schema.toType(Value),
    SchemaTransformation.transformEffect({
      decode: (bytes: Uint8Array) =>
        Effect.map(Effect.mapError(decodeCratePart(bytes), issueOf), (cratePart): TopicRecordContent => {
          // A name that is no key cannot be dialled, and would cost lookups.
          const content = { ...cratePart, activePeers: cratePart.activePeers.filter(Protocol.isEndpointKey) }
          const { address, size } = decodeAddress(bytes.subarray(CRATE_BYTES))
          const isMembersOnly = Bytes.equals(
            bytes.subarray(CRATE_BYTES + size, CRATE_BYTES + size + MEMBERS.length),
            MEMBERS,
          )
          return {
            ...content,
            ...(address === undefined ? {} : { address }),
            ...(isMembersOnly ? { access: "members" } : {}),
          }
        }),
      encode: ({ access, address, ...content }: TopicRecordContent) =>
        Effect.map(Effect.mapError(encodeCratePart(content), issueOf), (bytes) => {
          const mark = access === undefined ? NOTHING : MEMBERS
          return Bytes.concat(bytes, encodeAddress(address, MAX_EXTRA_BYTES - mark.length), mark)
        }),
    }),
  ),
)

const decodeCratePart = Schema.decodeEffect(GossipRecordContent)
const encodeCratePart = Schema.encodeEffect(GossipRecordContent)

const issueOf = ({ issue }: Schema.SchemaError) => issue

const NOTHING = new Uint8Array(0)

const encodeAddress = (address: EndpointAddress | undefined, maxBytes: number): Uint8Array => {
  if (address === undefined) return NOTHING
  const { direct, relayUrl } = address
  for (let count = Math.min(direct.length, MAX_DIRECT_ADDRESSES); count >= 0; count--) {
    const bytes = Protocol.encodePeerData({ relayUrl, direct: direct.slice(0, count) })
    if (TAG.length + bytes.length <= maxBytes) return Bytes.concat(TAG, bytes)
  }
  // The relay's URL alone is too long.
  return encodeAddress({ relayUrl: undefined, direct }, maxBytes)
}

/** The address, if the bytes begin with one: another program may use this place for something else. `size`: of address and tag. */
const decodeAddress = (bytes: Uint8Array): { readonly address: EndpointAddress | undefined; readonly size: number } => {
  const none = { address: undefined, size: 0 }
  if (bytes.length <= TAG.length || !Bytes.equals(bytes.subarray(0, TAG.length), TAG)) return none
  const decoded = Protocol.decodePeerDataPrefix(bytes.subarray(TAG.length))
  if (Result.isFailure(decoded)) return none
  const { address, size } = decoded.success
  return { address: { ...address, direct: address.direct.slice(0, MAX_DIRECT_ADDRESSES) }, size: TAG.length + size }
}
