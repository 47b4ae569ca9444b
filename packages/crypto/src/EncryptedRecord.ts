/**
 * A record as it lies in the DHT: u32 little-endian length ‖ box(record, one-time key) ‖ box(one-time seed, encryption key).
 * Whoever can derive the minute's encryption key opens the second box, and with its seed the first.
 * Source: distributed-topic-tracker `src/crypto/record.rs` (`EncryptedRecord`).
 */

import { concat } from "@topic-tracker/common/Bytes"
import { Effect, Redacted, Result } from "effect"
import * as Box from "./box.ts"
import { Crypto } from "./Crypto.ts"
import type { OpenError, SealError } from "./CryptoError.ts"
import * as Record from "./Record.ts"
import { RecordMalformed, type RecordRejected, RecordTooLarge } from "./RecordError.ts"
import type { SigningKey } from "./SigningKey.ts"
import type { TopicId } from "./TopicId.ts"

/** The largest encrypted record that is read, in bytes (`EncryptedRecord::MAX_SIZE`). */
export const maxSize = 2048

/**
 * The largest encrypted record that a DHT node stores, in bytes: a BEP 44 value must bencode to less than 1,000, and a byte
 * string of three-digit length takes four more than its bytes.
 */
export const maxStorableSize = 995

/** The box of a 32-byte seed. */
const keyBoxSize = 32 + Box.overhead

/** How many bytes longer an encrypted record is than its record. */
export const overhead: number = 4 + Box.overhead + keyBoxSize

/** The largest content of a record that the DHT takes, in bytes: 711. A gossip record's is 320. */
export const maxContentSize: number = maxStorableSize - overhead - Record.overhead

/**
 * The record, sealed for the minute's encryption key with a one-time key of its own. Fails when it would not fit in a DHT
 * item.
 */
export const seal: (
  record: Record.Record,
  encryptionKey: SigningKey,
) => Effect.Effect<Uint8Array, RecordTooLarge | SealError, Crypto> = Effect.fnUntraced(
  function* (record, encryptionKey) {
    const contentSize = record.content.length
    if (contentSize > maxContentSize) return yield* new RecordTooLarge({ contentSize, maxContentSize })
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

/** The record inside, not yet verified. `openVerified` is what a reader of the DHT wants. */
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

/** The record inside, made for this topic and minute and strictly signed by its node. */
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
  if (bytes.length < 4) return malformed(`${bytes.length} bytes; its length field alone has 4`)
  if (bytes.length > maxSize) return malformed(`${bytes.length} bytes; at most ${maxSize}`)
  const recordBoxSize = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
  const expected = 4 + recordBoxSize + keyBoxSize
  if (bytes.length !== expected) return malformed(`${bytes.length} bytes; its length field says ${expected}`)
  const end = 4 + recordBoxSize
  return Result.succeed({ recordBox: bytes.subarray(4, end), keyBox: bytes.subarray(end) })
}

const malformed = (what: string) => Result.fail(new RecordMalformed({ message: `encrypted record: ${what}` }))
