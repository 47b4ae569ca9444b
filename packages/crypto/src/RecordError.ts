/**
 * The errors of making, reading and accepting records. Anyone can write to a slot of the public DHT, so errors about received
 * bytes are ordinary: callers count them and drop the bytes.
 */
import { Schema } from "effect"

/**
 * The bytes are not a record or encrypted record: the sizes do not match.
 *
 * @since 0.1.0
 * @category errors
 */
export class RecordMalformed extends Schema.TaggedError<RecordMalformed>()("RecordMalformed", {
  message: Schema.String,
}) {}

/**
 * The record is well-formed and must not be trusted: it is for another topic or minute, or not signed by its node.
 *
 * @since 0.1.0
 * @category errors
 */
export class RecordRejected extends Schema.TaggedError<RecordRejected>()("RecordRejected", {
  reason: Schema.Literals(["topic", "minute", "signature"]),
  message: Schema.String,
}) {}

/**
 * The time of day is before 1970: there is no minute that a record could have.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClockBeforeEpoch extends Schema.TaggedError<ClockBeforeEpoch>()("ClockBeforeEpoch", {
  message: Schema.String,
}) {}

/**
 * The content does not encode, or its bytes do not decode, with the schema.
 *
 * @since 0.1.0
 * @category errors
 */
export class RecordContentInvalid extends Schema.TaggedError<RecordContentInvalid>()("RecordContentInvalid", {
  message: Schema.String,
}) {}

/**
 * The content is too large: its record does not fit in a DHT item.
 *
 * @since 0.1.0
 * @category errors
 */
export class RecordTooLarge extends Schema.TaggedError<RecordTooLarge>()("RecordTooLarge", {
  /** The size of the content, in bytes. */
  contentSize: Schema.Int,
  /** The largest content that fits, in bytes. */
  maxContentSize: Schema.Int,
}) {
  override get message(): string {
    return `content: ${this.contentSize} bytes; at most ${this.maxContentSize} fit in the record of a DHT item`
  }
}
