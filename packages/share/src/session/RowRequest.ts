/** The row of a content while it comes from one peer: the proof of the size first, then the values in order. Nothing of it is believed before it is whole. */
import { PieceRow } from "../tree/PieceRow.ts"
import { pieceCount, VALUE_BYTES } from "../tree/pieces.ts"
import type { Session } from "./Session.ts"

export class RowRequest {
  readonly session: Session
  readonly #size: number
  readonly #values: Uint8Array
  #proof = new Uint8Array(0)
  #next = 0
  /** When the last values came. */
  heardAt: number

  constructor(session: Session, size: number, now: number) {
    this.session = session
    this.heardAt = now
    this.#size = size
    this.#values = new Uint8Array(pieceCount(size) * VALUE_BYTES)
    session.send({ _tag: "AskValues", first: 0 })
  }

  /** Returns false if the proof is not due. */
  receiveProof(proof: Uint8Array): boolean {
    if (this.#next !== 0) return false
    this.#proof = proof.slice()
    return true
  }

  /** The row when it is whole, which may be of anything; undefined before; false for values that are not due. */
  receiveValues(first: number, values: Uint8Array, now: number): PieceRow | undefined | false {
    const at = first * VALUE_BYTES
    if (first !== this.#next || at + values.length > this.#values.length) return false
    this.heardAt = now
    this.#values.set(values, at)
    this.#next += values.length / VALUE_BYTES
    if (at + values.length === this.#values.length) return new PieceRow(this.#size, this.#values, this.#proof)
    this.session.send({ _tag: "AskValues", first: this.#next })
    return undefined
  }
}
