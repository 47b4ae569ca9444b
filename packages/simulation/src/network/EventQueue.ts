/**
 * What is to happen, by time; at the same time, in the order in which it was put in, so that a run has one order only. A
 * binary heap whose keys lie side by side in memory: with some thousand events waiting, sifting is what a simulation does most.
 */
export class EventQueue<A> {
  private times = new Float64Array(1_024)
  private sequences = new Float64Array(1_024)
  private readonly items: Array<A> = []
  private sequence = 0

  get size(): number {
    return this.items.length
  }

  /** When the next event is due; undefined when there is none. */
  get nextAt(): number | undefined {
    return this.items.length === 0 ? undefined : this.times[0]
  }

  push(at: number, item: A): void {
    const { items } = this
    let position = items.length
    items.push(item)
    if (position === this.times.length) this.grow()
    const { sequences, times } = this
    while (position > 0) {
      const parent = (position - 1) >> 1
      // Equal times: the parent was put in earlier and stays above.
      if (times[parent]! <= at) break
      times[position] = times[parent]!
      sequences[position] = sequences[parent]!
      items[position] = items[parent]!
      position = parent
    }
    times[position] = at
    sequences[position] = this.sequence++
    items[position] = item
  }

  /** Takes the event that is due next. */
  pop(): A | undefined {
    const { items, sequences, times } = this
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

  private grow(): void {
    const grown = (array: Float64Array) => {
      const twice = new Float64Array(2 * array.length)
      twice.set(array)
      return twice
    }
    this.times = grown(this.times)
    this.sequences = grown(this.sequences)
  }
}

const isBefore = (time: number, sequence: number, otherTime: number, otherSequence: number): boolean =>
  time < otherTime || (time === otherTime && sequence < otherSequence)
