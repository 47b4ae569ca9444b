/**
 * A content as BLAKE3's hash tree sees it, cut at pieces of 256 KiB: a piece is a whole subtree of 256 chunks, so it has a chaining value of its own, and the
 * values of all pieces together give the hash. bao and iroh-blobs cut the same tree at 1 KiB and 16 KiB; the hash is the same. Bytes and numbers only.
 *
 * Source: the BLAKE3 paper, sections 2.1 and 2.5; bao's specification, "Decoder" (the proof of a length by the last chunk).
 */
import * as Bytes from "@topic-tracker/common/Bytes"
import { blake3, blake3Parent, blake3Subtree } from "@topic-tracker/crypto/blake3"

export const PIECE_BYTES = 262_144
export const VALUE_BYTES = 32
const CHUNK_BYTES = 1_024
const CHUNKS = PIECE_BYTES / CHUNK_BYTES

/** The number of pieces. An empty content has one, of no bytes. */
export const pieceCount = (size: number): number => Math.max(1, Math.ceil(size / PIECE_BYTES))

export const pieceLength = (size: number, piece: number): number => Math.min(PIECE_BYTES, size - piece * PIECE_BYTES)

/** The chaining value of a piece; of an only piece the hash. */
export const pieceValue = (bytes: Uint8Array, piece: number, count: number): Uint8Array =>
  count === 1 ? blake3(bytes) : blake3Subtree(bytes, piece * CHUNKS)

/** The hash of a content whose pieces have these values, one behind the other. */
export const rootOf = (values: Uint8Array): Uint8Array => {
  const count = values.length / VALUE_BYTES
  const valueOf = (piece: number) => values.subarray(piece * VALUE_BYTES, (piece + 1) * VALUE_BYTES)
  if (count === 1) return valueOf(0).slice()
  // As in BLAKE3 itself: one complete subtree for each bit set in the number of pieces so far.
  const stack: Array<Uint8Array> = []
  for (let piece = 0; piece < count - 1; piece++) {
    let value = valueOf(piece)
    for (let done = piece + 1; (done & 1) === 0; done >>>= 1) value = blake3Parent(stack.pop()!, value, false)
    stack.push(value)
  }
  let value = valueOf(count - 1)
  while (stack.length > 1) value = blake3Parent(stack.pop()!, value, false)
  return blake3Parent(stack[0]!, value, true)
}

/** The chunks of the left subtree of so many chunks, at least two. */
const leftOf = (chunks: number): number => 2 ** Math.floor(Math.log2(chunks - 1))

/** The longest proof: eight parents of two values, and a chunk. */
export const MAX_PROOF_BYTES = 8 * 2 * VALUE_BYTES + CHUNK_BYTES

/**
 * The proof of the size, made of the last piece: the parents from the piece's value down to the last chunk, and that chunk. A chunk's value depends on its
 * place and its length, so nobody can make a proof of another size.
 */
export const proveSize = (lastPiece: Uint8Array, size: number): Uint8Array => {
  const parts: Array<Uint8Array> = []
  let first = (pieceCount(size) - 1) * CHUNKS
  let rest = lastPiece
  for (;;) {
    const chunks = Math.ceil(rest.length / CHUNK_BYTES)
    if (chunks <= 1) return Bytes.concat(...parts, rest)
    const left = leftOf(chunks)
    const cut = left * CHUNK_BYTES
    parts.push(blake3Subtree(rest.subarray(0, cut), first), blake3Subtree(rest.subarray(cut), first + left))
    first += left
    rest = rest.subarray(cut)
  }
}

/** Whether the proof shows that the content has this size. `lastValue`: the value of its last piece, which leads to the hash. */
export const isProofOfSize = (proof: Uint8Array, lastValue: Uint8Array, size: number): boolean => {
  const count = pieceCount(size)
  const isWhole = count === 1
  let first = (count - 1) * CHUNKS
  let length = pieceLength(size, count - 1)
  let expected = lastValue
  let at = 0
  let isTop = true
  for (;;) {
    const chunks = Math.ceil(length / CHUNK_BYTES)
    if (chunks <= 1) {
      const chunk = proof.subarray(at)
      if (chunk.length !== length) return false
      return Bytes.equals(isWhole && isTop ? blake3(chunk) : blake3Subtree(chunk, first), expected)
    }
    if (proof.length < at + 2 * VALUE_BYTES) return false
    const left = proof.subarray(at, at + VALUE_BYTES)
    const right = proof.subarray(at + VALUE_BYTES, at + 2 * VALUE_BYTES)
    if (!Bytes.equals(blake3Parent(left, right, isWhole && isTop), expected)) return false
    expected = right
    isTop = false
    at += 2 * VALUE_BYTES
    first += leftOf(chunks)
    length -= leftOf(chunks) * CHUNK_BYTES
  }
}
