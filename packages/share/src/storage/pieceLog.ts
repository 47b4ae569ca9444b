/**
 * The bytes of the file beside a content that is being fetched: its head says which content, and behind it each piece that was written adds its number. So a
 * process that is killed loses no more than its last piece. Every piece is verified again before it counts.
 */
import * as Bytes from "@topic-tracker/common/Bytes"
import { hashFromBytes, hashToBytes } from "../ContentHash.ts"
import { PieceRow } from "../tree/PieceRow.ts"
import { MAX_PROOF_BYTES, pieceCount, VALUE_BYTES } from "../tree/pieces.ts"
import { MAX_NAME_BYTES } from "../wire/messages.ts"

const MAGIC = new TextEncoder().encode("TTS1")
const HASH_AT = 4
const SIZE_AT = 36
const PROOF_AT = 44
const NAME_AT = 46

/** What the file says. */
export interface SavedContent {
  readonly row: PieceRow
  readonly name: string
  readonly pieces: ReadonlyArray<number>
}

/** The longest file of a content of so many pieces, each written some times. */
export const maxLogBytes = (maxPieces: number): number =>
  NAME_AT + 1 + MAX_NAME_BYTES + MAX_PROOF_BYTES + maxPieces * (VALUE_BYTES + 16)

export const encodeEntry = (piece: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, piece)
  return bytes
}

export const encodeLog = ({ name, pieces, row }: SavedContent): Uint8Array => {
  const nameBytes = new TextEncoder().encode(name)
  const size = Bytes.u64be(BigInt(row.size))
  return Bytes.concat(
    MAGIC,
    hashToBytes(row.hash),
    size,
    Uint8Array.of(row.proof.length >> 8, row.proof.length & 0xff),
    Uint8Array.of(nameBytes.length),
    nameBytes,
    row.proof,
    row.values,
    ...pieces.map(encodeEntry),
  )
}

/** Undefined if the bytes are no such file, or the content's values do not lead to its hash. A last entry that was cut is left out. */
export const decodeLog = (bytes: Uint8Array): SavedContent | undefined => {
  if (bytes.length <= NAME_AT || !Bytes.equals(bytes.subarray(0, HASH_AT), MAGIC)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const size = Number(view.getBigUint64(SIZE_AT))
  const nameEnd = NAME_AT + 1 + bytes[NAME_AT]!
  const proofEnd = nameEnd + view.getUint16(PROOF_AT)
  const count = pieceCount(size)
  const valuesEnd = proofEnd + count * VALUE_BYTES
  if (!Number.isSafeInteger(size) || bytes.length < valuesEnd) return undefined
  const row = new PieceRow(size, bytes.slice(proofEnd, valuesEnd), bytes.slice(nameEnd, proofEnd))
  if (!row.isOf(hashFromBytes(bytes.subarray(HASH_AT, SIZE_AT)))) return undefined
  const pieces = new Set<number>()
  for (let at = valuesEnd; at + 4 <= bytes.length; at += 4) {
    const piece = view.getUint32(at)
    if (piece < count) pieces.add(piece)
  }
  return { row, name: new TextDecoder().decode(bytes.subarray(NAME_AT + 1, nameEnd)), pieces: [...pieces] }
}
