/**
 * Future events by time. Events of the same time keep the order in which they were added, so a run has exactly one order. A
 * binary heap whose keys are in typed arrays: with thousands of waiting events, sifting is what a simulation does most.
 */
export class EventSchedule<A> {
  #times = new Float64Array(1_024)
  #sequences = new Float64Array(1_024)
  readonly #items: Array<A> = []
  #sequence = 0

  get size(): number {
    return this.#items.length
  }

  /** The time of the next event; undefined if there is none. */
  get nextAt(): number | undefined {
    return this.#items.length === 0 ? undefined : this.#times[0]
  }

  scheduleAt(at: number, item: A): void {
    const items = this.#items
    let position = items.length
    items.push(item)
    if (position === this.#times.length) this.#grow()
    const times = this.#times
    const sequences = this.#sequences
    while (position > 0) {
      const parent = (position - 1) >> 1
      // Equal times: the parent was added earlier and stays above.
      if (times[parent]! <= at) break
      times[position] = times[parent]!
      sequences[position] = sequences[parent]!
      items[position] = items[parent]!
      position = parent
    }
    times[position] = at
    sequences[position] = this.#sequence++
    items[position] = item
  }

  /** Removes and returns the next event. */
  takeNext(): A | undefined {
    const items = this.#items
    const times = this.#times
    const sequences = this.#sequences
    const size = items.length - 1
    if (size <= 0) return items.pop()
    const first = items[0]!
    const last = items.pop()!
    const at = times[size]!
    const sequence = sequences[size]!
    let position = 0
    for (let child = 1; child < size; child = 2 * position + 1) {
      const right = child + 1
      if (right < size && isBefore(times[right]!, sequences[right]!, times[child]!, sequences[child]!)) child = right
      if (isBefore(at, sequence, times[child]!, sequences[child]!)) break
      times[position] = times[child]!
      sequences[position] = sequences[child]!
      items[position] = items[child]!
      position = child
    }
    times[position] = at
    sequences[position] = sequence
    items[position] = last
    return first
  }

  #grow(): void {
    const grown = (array: Float64Array) => {
      const twice = new Float64Array(2 * array.length)
      twice.set(array)
      return twice
    }
    this.#times = grown(this.#times)
    this.#sequences = grown(this.#sequences)
  }
}

const isBefore = (time: number, sequence: number, otherTime: number, otherSequence: number): boolean =>
  time < otherTime || (time === otherTime && sequence < otherSequence)
