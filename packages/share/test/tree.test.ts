/** The hash tree cut at pieces: the hash is BLAKE3's, each piece is verified alone, and no other size can be proven. */
import { assert, describe, it } from "@effect/vitest"
import { blake3 } from "@noble/hashes/blake3.js"
import { toHex } from "@topic-tracker/common/Bytes"
import { PieceMaker } from "../src/tree/PieceRow.ts"
import { isProofOfSize, MAX_PROOF_BYTES, PIECE_BYTES, pieceCount } from "../src/tree/pieces.ts"
import { contentOf } from "./world.ts"

const SIZES = [
  0,
  1,
  1_023,
  1_024,
  1_025,
  2_048,
  5_000,
  PIECE_BYTES - 1,
  PIECE_BYTES,
  PIECE_BYTES + 1,
  PIECE_BYTES + 1_025,
  2 * PIECE_BYTES,
  3 * PIECE_BYTES + 70_000,
  7 * PIECE_BYTES - 1,
]

const rowOf = (bytes: Uint8Array, step: number) => {
  const maker = new PieceMaker()
  for (let at = 0; at < bytes.length; at += step) maker.push(bytes.subarray(at, at + step))
  return maker.end().row
}

describe("the row of a content", () => {
  for (const size of SIZES) {
    it(`of ${size} bytes leads to the BLAKE3 hash, and proves the size and each piece`, () => {
      const bytes = contentOf(size)
      const row = rowOf(bytes, PIECE_BYTES)
      assert.strictEqual(row.hash, toHex(blake3(bytes)))
      assert.isTrue(row.isOf(row.hash))
      assert.isAtMost(row.proof.length, MAX_PROOF_BYTES)
      for (let piece = 0; piece < row.count; piece++) {
        const part = bytes.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)
        assert.isTrue(row.isRight(piece, part))
        if (part.length === 0) continue
        assert.isFalse(row.isRight(piece, part.subarray(1)))
        part[part.length >> 1]! ^= 1
        assert.isFalse(row.isRight(piece, part))
        if (row.count > 1)
          assert.isFalse(
            row.isRight((piece + 1) % row.count, bytes.subarray(0, part.length)) && piece !== row.count - 1,
          )
      }
    })
  }

  it("does not depend on the portions in which the bytes come", () => {
    const bytes = contentOf(2 * PIECE_BYTES + 12_345)
    for (const step of [999, 65_536, PIECE_BYTES, 300_000, bytes.length]) {
      assert.strictEqual(rowOf(bytes, step).hash, toHex(blake3(bytes)), `${step} bytes`)
    }
  })
})

describe("the proof of a size", () => {
  it("proves no other size, and none when any bit of it is changed", () => {
    for (const size of [900, 2_047, 5_000, PIECE_BYTES + 70_001]) {
      const row = rowOf(contentOf(size), PIECE_BYTES)
      const last = row.valueOf(row.count - 1)
      assert.isTrue(isProofOfSize(row.proof, last, size))
      for (const other of [0, 1, size - 1, size + 1, size + 1_024, size * 2]) {
        if (other !== size) assert.isFalse(isProofOfSize(row.proof, last, other), `${size} as ${other}`)
      }
      for (let at = 0; at < row.proof.length; at += 7) {
        const changed = row.proof.slice()
        changed[at]! ^= 0x10
        assert.isFalse(isProofOfSize(changed, last, size))
      }
      assert.isFalse(isProofOfSize(row.proof.subarray(1), last, size))
    }
  })

  it("shows that two halves of the tree are no content of two pieces", () => {
    const row = rowOf(contentOf(4 * PIECE_BYTES), PIECE_BYTES)
    assert.strictEqual(pieceCount(row.size), 4)
    // The values of the root's two children lead to the hash as well; only the size betrays them.
    for (let bytes = PIECE_BYTES + 1; bytes <= 2 * PIECE_BYTES; bytes += 999) {
      assert.isFalse(isProofOfSize(row.proof, row.valueOf(3), bytes))
    }
  })
})
