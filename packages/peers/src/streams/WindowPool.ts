/**
 * The bytes that peers may have on their way to us beyond the first window of each stream: so many for one peer, so many for all. Plain
 * numbers; a stream takes from it when its reader is faster than its window, and gives back when it is over.
 */
export class WindowPool {
  readonly #max: number
  readonly #parent: WindowPool | undefined
  #taken = 0

  constructor(max: number, parent?: WindowPool) {
    this.#max = max
    this.#parent = parent
  }

  get taken(): number {
    return this.#taken
  }

  /** Takes the bytes if they are there, here and in the pool of all. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#max || this.#parent?.take(bytes) === false) return false
    this.#taken += bytes
    return true
  }

  give(bytes: number): void {
    this.#taken -= bytes
    this.#parent?.give(bytes)
  }
}
