/** A set of pieces as bits, the first piece in the highest bit of the first byte, as in BitTorrent's bitfield (BEP 3). */
export class PieceMap {
  readonly count: number
  readonly bytes: Uint8Array
  #size = 0

  constructor(count: number, bytes?: Uint8Array) {
    this.count = count
    this.bytes = new Uint8Array(Math.ceil(count / 8))
    if (bytes !== undefined) for (let piece = 0; piece < count; piece++) if (isSet(bytes, piece)) this.add(piece)
  }

  /** Whether the bytes are a map of so many pieces: the length fits, and the bits behind the last piece are 0. */
  static isMap(bytes: Uint8Array, count: number): boolean {
    if (bytes.length !== Math.ceil(count / 8)) return false
    const spare = bytes.length * 8 - count
    return (bytes[bytes.length - 1]! & ((1 << spare) - 1)) === 0
  }

  static full(count: number): PieceMap {
    const map = new PieceMap(count)
    for (let piece = 0; piece < count; piece++) map.add(piece)
    return map
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size === this.count
  }

  pieces(): ReadonlyArray<number> {
    const pieces: Array<number> = []
    for (let piece = 0; piece < this.count; piece++) if (this.has(piece)) pieces.push(piece)
    return pieces
  }

  has(piece: number): boolean {
    return isSet(this.bytes, piece)
  }

  /** Returns whether it is new. */
  add(piece: number): boolean {
    if (this.has(piece)) return false
    this.bytes[piece >> 3]! |= 0x80 >> (piece & 7)
    this.#size++
    return true
  }
}

const isSet = (bytes: Uint8Array, piece: number): boolean => (bytes[piece >> 3]! & (0x80 >> (piece & 7))) !== 0
