/**
 * Why a record could not be made, read or accepted. Those about received bytes are ordinary events on a public DHT: callers
 * count and drop.
 */
import { Schema } from "effect"

/** Bytes that are no record or encrypted record: the sizes do not fit. */
export class RecordMalformed extends Schema.TaggedError<RecordMalformed>()("RecordMalformed", {
  message: Schema.String,
}) {}

/** A well-formed record that must not be believed: made for another topic or minute, or not signed by its node. */
export class RecordRejected extends Schema.TaggedError<RecordRejected>()("RecordRejected", {
  reason: Schema.Literals(["topic", "minute", "signature"]),
  message: Schema.String,
}) {}

/** Content that its schema does not encode, or bytes that it does not decode. */
export class RecordContentInvalid extends Schema.TaggedError<RecordContentInvalid>()("RecordContentInvalid", {
  message: Schema.String,
}) {}

/** A record whose content leaves no room for it in a DHT item. */
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
