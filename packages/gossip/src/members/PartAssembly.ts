/** A message that comes in parts. Only parts that arrived take memory, and parts of a message that is too large are not kept. */
import type { SeqRange } from "./repairMessages.ts"

/**
 * The parts of one message.
 *
 * @since 0.1.0
 * @category models
 */
export class PartAssembly {
  readonly flags: number
  readonly count: number
  /** When the last new part arrived. */
  lastAt: number
  #parts: Map<number, Uint8Array> | undefined = new Map()
  readonly #seen = new Set<number>()
  /** The highest index that arrived. */
  #last = 0
  #bytes = 0
  /** The size of every part but the last. */
  #partBytes: number | undefined
  readonly #maxBytes: number

  constructor(flags: number, count: number, maxBytes: number, now: number) {
    this.flags = flags
    this.count = count
    this.lastAt = now
    this.#maxBytes = maxBytes
  }

  /** The bytes that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the message will not be delivered: it is too large, or its parts do not fit together. */
  get isDropped(): boolean {
    return this.#parts === undefined
  }

  get isComplete(): boolean {
    return this.#seen.size === this.count
  }

  has(index: number): boolean {
    return this.#seen.has(index)
  }

  /** The indexes of at most `most` parts that did not arrive. `onlyBefore`: only those before the last one that did. */
  missing(most: number, onlyBefore = false): ReadonlyArray<number> {
    const indexes: Array<number> = []
    const end = onlyBefore ? this.#last : this.count
    for (let index = 0; index < end && indexes.length < most; index++) {
      if (!this.#seen.has(index)) indexes.push(index)
    }
    return indexes
  }

  add(index: number, flags: number, count: number, plaintext: Uint8Array, now: number): void {
    this.#seen.add(index)
    this.#last = Math.max(this.#last, index)
    this.lastAt = now
    if (this.#parts === undefined) return
    const isLast = index === count - 1
    if (flags !== this.flags || count !== this.count || !this.#fits(isLast, plaintext.length)) {
      this.drop()
      return
    }
    this.#parts.set(index, plaintext)
    this.#bytes += plaintext.length
  }

  /** Keeps nothing from now on. */
  drop(): void {
    this.#parts = undefined
    this.#bytes = 0
  }

  /** The whole message. Only if it is complete and not dropped. */
  content(): Uint8Array {
    const content = new Uint8Array(this.#bytes)
    let at = 0
    for (let index = 0; index < this.count; index++) {
      const part = this.#parts!.get(index)!
      content.set(part, at)
      at += part.length
    }
    return content
  }

  #fits(isLast: boolean, size: number): boolean {
    if (isLast) {
      if ((this.count - 1) * size > this.#maxBytes) return false
      return this.#partBytes === undefined || size <= this.#partBytes
    }
    this.#partBytes ??= size
    if (size !== this.#partBytes || (this.count - 1) * size >= this.#maxBytes) return false
    const last = this.#parts!.get(this.count - 1)
    return last === undefined || last.length <= size
  }
}

/**
 * A range of missing messages, or the missing parts of one.
 *
 * @since 0.1.0
 * @category models
 */
export interface MissingRange extends SeqRange {
  readonly parts?: ReadonlyArray<number>
}
