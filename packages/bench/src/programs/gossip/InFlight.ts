/** Counts the messages under way: those that were sent and have not arrived. */
export class InFlight {
  arrived = 0
  underWay = 0
  #onArrival = () => {}

  /** Messages arrived. Run {@link notify} after the last of those that came together. */
  arrive(count: number): void {
    this.arrived += count
    this.underWay -= count
  }

  notify(): void {
    this.#onArrival()
  }

  /** Resolves when fewer than `limit` messages are under way. */
  untilBelow(limit: number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.underWay >= limit) return
        this.#onArrival = () => {}
        resolve()
      }
      this.#onArrival = check
      check()
    })
  }
}
