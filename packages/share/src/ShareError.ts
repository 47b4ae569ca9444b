import { Schema } from "effect"

/**
 * A content was not shared or not fetched. `reason`:
 * - `NotFound`: the file to share does not exist, or is no file.
 * - `NobodyHasIt`: no peer that was reached has the content, or none gave a piece in time.
 * - `ContentMismatch`: the peers that said they have the content sent other bytes.
 * - `TooLarge`: the content is larger than the limit, or than a memory may hold.
 * - `AlreadyExists`: the file to write exists.
 * - `AlreadyFetching`: this content is being fetched already.
 * - `NoSpace`: the disk is full. What was verified stays, and the next fetch goes on from there.
 * - `Storage`: a file cannot be read or written; the message has the reason.
 * - `TooMany`: so many contents as the limit allows are shared already.
 * - `Closed`: the topic was left or suspended, or sharing has ended.
 * - `InvalidArgument`: the message names the argument and the allowed values.
 *
 * @since 0.1.0
 * @category errors
 */
export class ShareError extends Schema.TaggedError<ShareError>()("ShareError", {
  reason: Schema.Literals([
    "NotFound",
    "NobodyHasIt",
    "ContentMismatch",
    "TooLarge",
    "AlreadyExists",
    "AlreadyFetching",
    "NoSpace",
    "Storage",
    "TooMany",
    "Closed",
    "InvalidArgument",
  ]),
  message: Schema.String,
}) {}

/**
 * The reason of a {@link ShareError}.
 *
 * @since 0.1.0
 * @category errors
 */
export type ShareErrorReason = ShareError["reason"]
