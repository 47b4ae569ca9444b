/** The size of a content, proven, and the values of its pieces: all that is needed to verify any piece of it alone. */
import * as Bytes from "@topic-tracker/common/Bytes"
import { type ContentHash, hashFromBytes } from "../ContentHash.ts"
import {
  isProofOfSize,
  PIECE_BYTES,
  pieceCount,
  pieceLength,
  pieceValue,
  proveSize,
  rootOf,
  VALUE_BYTES,
} from "./pieces.ts"

export class PieceRow {
  readonly size: number
  readonly count: number
  /** One value behind the other. */
  readonly values: Uint8Array
  /** See `proveSize`. */
  readonly proof: Uint8Array
  readonly hash: ContentHash

  constructor(size: number, values: Uint8Array, proof: Uint8Array) {
    this.size = size
    this.count = pieceCount(size)
    this.values = values
    this.proof = proof
    this.hash = hashFromBytes(rootOf(values))
  }

  lengthOf(piece: number): number {
    return pieceLength(this.size, piece)
  }

  isRight(piece: number, bytes: Uint8Array): boolean {
    return (
      bytes.length === this.lengthOf(piece) && Bytes.equals(pieceValue(bytes, piece, this.count), this.valueOf(piece))
    )
  }

  /** Whether the row is that of the content: it came from a peer, or from a file that others can write. */
  isOf(hash: ContentHash): boolean {
    return this.hash === hash && isProofOfSize(this.proof, this.valueOf(this.count - 1), this.size)
  }

  valueOf(piece: number): Uint8Array {
    return this.values.subarray(piece * VALUE_BYTES, (piece + 1) * VALUE_BYTES)
  }
}

/** Makes pieces, and in the end the row, of bytes that come in any portions. */
export class PieceMaker {
  #rest = new Uint8Array(0)
  #whole: Array<Uint8Array> = []
  #size = 0

  /** The pieces that are complete now. The last piece of the content comes from {@link end}. */
  push(bytes: Uint8Array): ReadonlyArray<Uint8Array> {
    this.#size += bytes.length
    const pieces: Array<Uint8Array> = []
    let rest = this.#rest.length === 0 ? bytes : Bytes.concat(this.#rest, bytes)
    // A full piece at the end may be the last one, whose value differs if it is the only one.
    while (rest.length > PIECE_BYTES) {
      pieces.push(this.#take(rest.subarray(0, PIECE_BYTES), false))
      rest = rest.subarray(PIECE_BYTES)
    }
    this.#rest = rest.slice()
    return pieces
  }

  get size(): number {
    return this.#size
  }

  end(): { readonly last: Uint8Array; readonly row: PieceRow } {
    const last = this.#take(this.#rest, true)
    return { last, row: new PieceRow(this.#size, Bytes.concat(...this.#whole), proveSize(last, this.#size)) }
  }

  #take(piece: Uint8Array, isLast: boolean): Uint8Array {
    const index = this.#whole.length
    this.#whole.push(pieceValue(piece, index, isLast ? index + 1 : index + 2))
    return piece
  }
}
