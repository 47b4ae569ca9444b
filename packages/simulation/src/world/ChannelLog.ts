/** Records what channels deliver: how much of what was said, how late, and every message that comes again, out of order, or is reported as missed. */
import { Deliveries, type DeliveryFigures } from "./Deliveries.ts"

export interface ChannelFigures extends DeliveryFigures {
  /** Messages that a node got again. */
  readonly repeated: number
  /** Messages that a node got after a later one of the same author. */
  readonly out_of_order: number
  /** Messages that a node was told to be gone. */
  readonly missed: number
  readonly lagged: number
  /** Messages that a node got that were said before it had joined. */
  readonly earlier: number
}

export class ChannelLog {
  readonly #deliveries = new Deliveries()
  /** The last seq of each author's session at each node. */
  readonly #last = new Map<string, number>()
  /** The nodes that are to hear each message. */
  readonly #to = new Map<string, ReadonlySet<number>>()
  #repeated = 0
  #earlier = 0
  #outOfOrder = 0
  #missed = 0
  #lagged = 0

  /** `to`: the nodes that are to hear it. */
  recordSaid(name: string, at: number, by: number, to: ReadonlyArray<number>): void {
    this.#to.set(name, new Set(to))
    this.#deliveries.recordBroadcast(name, at, by, to)
  }

  recordHeard(name: string, at: number, node: number, { seq, session }: { seq: number; session: string }): void {
    const key = `${node}:${session}`
    const last = this.#last.get(key) ?? 0
    if (seq === last) this.#repeated++
    else if (seq < last) this.#outOfOrder++
    else this.#last.set(key, seq)
    if (this.#to.get(name)?.has(node) === true) this.#deliveries.recordReception(name, at, node, 0)
    else this.#earlier++
  }

  recordMissed(count: number): void {
    this.#missed += count
  }

  recordLagged(count: number): void {
    this.#lagged += count
  }

  recordDeparture(node: number, at: number): void {
    this.#deliveries.recordDeparture(node, at)
  }

  figures(): ChannelFigures {
    return {
      ...this.#deliveries.figures(),
      repeated: this.#repeated,
      out_of_order: this.#outOfOrder,
      missed: this.#missed,
      lagged: this.#lagged,
      earlier: this.#earlier,
    }
  }
}
