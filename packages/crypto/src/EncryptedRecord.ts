/**
 * A record as it is stored in the DHT: u32 little-endian length ‖ box(record, one-time key) ‖ box(one-time seed, encryption
 * key). A node that can derive the minute's encryption key opens the second box, and with the seed inside opens the first.
 * Source: distributed-topic-tracker 0.3.5 `src/crypto/record.rs` (`EncryptedRecord`).
 */
import { MAX_VALUE_BYTES } from "@topic-tracker/common/Bep44"

import { concat } from "@topic-tracker/common/Bytes"
import { Effect, Redacted, Result } from "effect"
import * as Box from "./box.ts"
import { Crypto } from "./Crypto.ts"
import type { OpenError, SealError, SigningKey } from "./CryptoService.ts"
import * as Record from "./Record.ts"
import { RecordMalformed, type RecordRejected, RecordTooLarge } from "./RecordError.ts"
import type { TopicId } from "./TopicId.ts"

/**
 * The largest encrypted record that is read, in bytes (`EncryptedRecord::MAX_SIZE` of the crate).
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_BYTES = 2048

/** The box of a 32-byte seed. */
const KEY_BOX_BYTES = 32 + Box.OVERHEAD_BYTES

/**
 * The number of bytes by which an encrypted record is longer than its record.
 *
 * @since 0.1.0
 * @category constants
 */
export const OVERHEAD_BYTES: number = 4 + Box.OVERHEAD_BYTES + KEY_BOX_BYTES

/**
 * The largest content of a record that fits in a DHT item, in bytes: 711. The content of a gossip record has 320.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_CONTENT_BYTES: number = MAX_VALUE_BYTES - OVERHEAD_BYTES - Record.OVERHEAD_BYTES

/**
 * Seals the record with a new one-time key, and that key's seed for the minute's encryption key. Fails with RecordTooLarge if
 * the result does not fit in a DHT item.
 *
 * @since 0.1.0
 * @category encoding
 */
export const seal: (
  record: Record.Record,
  encryptionKey: SigningKey,
) => Effect.Effect<Uint8Array, RecordTooLarge | SealError, Crypto> = Effect.fnUntraced(
  function* (record, encryptionKey) {
    const contentSize = record.content.length
    if (contentSize > MAX_CONTENT_BYTES) {
      return yield* new RecordTooLarge({ contentSize, maxContentSize: MAX_CONTENT_BYTES })
    }
    const crypto = yield* Crypto
    const oneTimeSeed = yield* crypto.randomBytes(32)
    const oneTimeKey = crypto.signingKey(Redacted.make(oneTimeSeed))
    const recordBox = yield* crypto.seal(oneTimeKey, Record.encode(record))
    const keyBox = yield* crypto.seal(encryptionKey, oneTimeSeed)
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, recordBox.length, true)
    return concat(length, recordBox, keyBox)
  },
)

/**
 * The record inside, not verified. A reader of the DHT uses {@link openVerified}.
 *
 * @since 0.1.0
 * @category encoding
 */
export const open: (
  bytes: Uint8Array,
  encryptionKey: SigningKey,
) => Effect.Effect<Record.Record, RecordMalformed | OpenError, Crypto> = Effect.fnUntraced(
  function* (bytes, encryptionKey) {
    const { recordBox, keyBox } = yield* Effect.fromResult(split(bytes))
    const crypto = yield* Crypto
    const oneTimeSeed = yield* crypto.open(encryptionKey, keyBox)
    const record = yield* crypto.open(crypto.signingKey(Redacted.make(oneTimeSeed)), recordBox)
    return yield* Effect.fromResult(Record.decode(record))
  },
)

/**
 * The record inside, after the checks that it was made for this topic and minute and that its node's signature is strictly
 * valid.
 *
 * @since 0.1.0
 * @category encoding
 */
export const openVerified: (
  bytes: Uint8Array,
  options: { readonly encryptionKey: SigningKey; readonly topic: TopicId; readonly unixMinute: bigint },
) => Effect.Effect<Record.Record, RecordMalformed | OpenError | RecordRejected, Crypto> = Effect.fnUntraced(function* (
  bytes,
  { encryptionKey, topic, unixMinute },
) {
  const record = yield* open(bytes, encryptionKey)
  yield* Record.verify(record, topic, unixMinute)
  return record
})

const split = (
  bytes: Uint8Array,
): Result.Result<{ readonly recordBox: Uint8Array; readonly keyBox: Uint8Array }, RecordMalformed> => {
  if (bytes.length < 4) return malformed(`${bytes.length} bytes; the length field alone has 4`)
  if (bytes.length > MAX_BYTES) return malformed(`${bytes.length} bytes; at most ${MAX_BYTES}`)
  const recordBoxSize = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
  const expected = 4 + recordBoxSize + KEY_BOX_BYTES
  if (bytes.length !== expected) return malformed(`${bytes.length} bytes; its length field requires ${expected}`)
  const end = 4 + recordBoxSize
  return Result.succeed({ recordBox: bytes.subarray(4, end), keyBox: bytes.subarray(end) })
}

const malformed = (problem: string) => Result.fail(new RecordMalformed({ message: `encrypted record: ${problem}` }))
