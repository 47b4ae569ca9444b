/** The name of a content: the BLAKE3 hash of its bytes, as in iroh-blobs, written as 64 hex digits in lower case. */
import * as Bytes from "@topic-tracker/common/Bytes"
import { Schema } from "effect"

/**
 * The BLAKE3 hash of a content, 64 hex digits in lower case. Also a Schema.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContentHash = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "the hash of a content, 64 hex digits in lower case" }),
).pipe(Schema.brand("@topic-tracker/share/ContentHash"))

/**
 * The BLAKE3 hash of a content, 64 hex digits in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export type ContentHash = typeof ContentHash.Type

/** The hash of 32 bytes. */
export const hashFromBytes = (bytes: Uint8Array): ContentHash => ContentHash.make(Bytes.toHex(bytes))

export const hashToBytes = (hash: ContentHash): Uint8Array => Bytes.fromHex(hash)
