/**
 * What a node of a topic says in its record: what the reference's nodes say (see `GossipRecordContent`) and, after it, where it
 * can be reached. Whoever reads the record dials at once, without a walk of the DHT for the address packet.
 *
 * On the wire: the 320 bytes of the reference, then the tag `addr` and the address in the form in which gossip tells it
 * (`Protocol.encodePeerData`). A node of the reference passes over all that follows its own part: it decodes with
 * `postcard::from_bytes`, which ignores bytes after the value (distributed-topic-tracker `src/crypto/record.rs`).
 */
import { Bytes } from "@topic-tracker/common"
import { EncryptedRecord, EndpointId, GossipRecordContent } from "@topic-tracker/crypto"
import { type EndpointAddress, isEmptyAddress, Protocol } from "@topic-tracker/gossip"
import { Effect, Result, Schema, SchemaTransformation } from "effect"

/** Bytes of the reference's part. */
const REFERENCE_BYTES = 320
/** What a later version of the reference may put here does not begin like this. */
const TAG = new TextEncoder().encode("addr")
const MAX_ADDRESS_BYTES = EncryptedRecord.MAX_CONTENT_BYTES - REFERENCE_BYTES - TAG.length
/** More direct addresses of one node are not worth dialling. */
const MAX_DIRECT = 16

const Value = Schema.Struct({
  /** At most 5 endpoint ids. */
  activePeers: Schema.Array(EndpointId.EndpointId),
  /** At most 5 hashes of 32 bytes each. */
  lastMessageHashes: Schema.Array(Schema.Uint8Array),
  /** Where the record's node can be reached, in its own signed words. Not there when it does not know or say. */
  address: Schema.optionalKey(
    Schema.Struct({ relayUrl: Schema.UndefinedOr(Schema.String), direct: Schema.Array(Schema.String) }),
  ),
})

export type TopicRecordContent = typeof Value.Type

/** The content as bytes and back. Where there is no room for all of the address, the last of it is left out. */
export const TopicRecordContent: Schema.Codec<TopicRecordContent, Uint8Array> = Schema.Uint8Array.pipe(
  Schema.decodeTo(
    Schema.toType(Value),
    SchemaTransformation.transformEffect({
      decode: (bytes: Uint8Array) =>
        Effect.map(Effect.mapError(decodeReference(bytes), issueOf), (content): TopicRecordContent => {
          const address = decodeAddress(bytes.subarray(REFERENCE_BYTES))
          return address === undefined ? content : { ...content, address }
        }),
      encode: ({ address, ...content }: TopicRecordContent) =>
        Effect.map(Effect.mapError(encodeReference(content), issueOf), (bytes) =>
          Bytes.concat(bytes, encodeAddress(address)),
        ),
    }),
  ),
)

const decodeReference = Schema.decodeEffect(GossipRecordContent)
const encodeReference = Schema.encodeEffect(GossipRecordContent)

const issueOf = ({ issue }: Schema.SchemaError) => issue

const NOTHING = new Uint8Array(0)

const encodeAddress = (address: EndpointAddress | undefined): Uint8Array => {
  const { direct = [], relayUrl } = address ?? {}
  for (let count = Math.min(direct.length, MAX_DIRECT); count > 0 || relayUrl !== undefined; count--) {
    const bytes = Protocol.encodePeerData({ relayUrl, direct: direct.slice(0, count) })
    if (bytes.length <= MAX_ADDRESS_BYTES) return Bytes.concat(TAG, bytes)
    if (count === 0) return encodeAddress({ relayUrl: undefined, direct })
  }
  return NOTHING
}

/** Undefined when the bytes say none: they may be of somebody who says something else there. */
const decodeAddress = (bytes: Uint8Array): EndpointAddress | undefined => {
  if (bytes.length <= TAG.length || !Bytes.equals(bytes.subarray(0, TAG.length), TAG)) return undefined
  const decoded = Protocol.decodePeerData(bytes.subarray(TAG.length))
  if (Result.isFailure(decoded) || isEmptyAddress(decoded.success)) return undefined
  const { direct, relayUrl } = decoded.success
  return { relayUrl, direct: direct.slice(0, MAX_DIRECT) }
}
