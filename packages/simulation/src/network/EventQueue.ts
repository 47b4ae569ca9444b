/**
 * What is to happen, by time; at the same time, in the order in which it was put in, so that a run has one order only. A
 * binary heap.
 */
export interface Scheduled<A> {
  /** Microseconds. */
  readonly at: number
  readonly sequence: number
  readonly item: A
}

export class EventQueue<A> {
  private readonly heap: Array<Scheduled<A>> = []
  private sequence = 0

  get size(): number {
    return this.heap.length
  }

  /** When the next event is due, in microseconds; undefined when there is none. */
  get nextAt(): number | undefined {
    return this.heap[0]?.at
  }

  push(at: number, item: A): void {
    const { heap } = this
    const entry = { at, sequence: this.sequence++, item }
    let position = heap.length
    heap.push(entry)
    while (position > 0) {
      const parent = (position - 1) >> 1
      // Equal times: the parent was put in earlier and stays above.
      if (heap[parent]!.at <= at) break
      heap[position] = heap[parent]!
      position = parent
    }
    heap[position] = entry
  }

  pop(): Scheduled<A> | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    const size = heap.length
    let position = 0
    for (;;) {
      let child = 2 * position + 1
      if (child >= size) break
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[position] = heap[child]!
      position = child
    }
    heap[position] = last
    return first
  }
}

const isBefore = (a: Scheduled<unknown>, b: Scheduled<unknown>): boolean =>
  a.at < b.at || (a.at === b.at && a.sequence < b.sequence)
