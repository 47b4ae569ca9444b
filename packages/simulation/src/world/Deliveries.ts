/** Records which broadcast reached which node, after how many hops and how many ms. */
import { quantile } from "./distribution.ts"

/** A node that leaves within this time after a broadcast is not expected to have received it. */
const GRACE_MS = 5_000

interface Sent {
  readonly at: number
  readonly by: number
  /** The nodes that were there. */
  readonly to: ReadonlyArray<number>
  readonly receivers: Set<number>
}

export interface DeliveryFigures {
  readonly broadcasts: number
  readonly expected: number
  readonly delivered: number
  /** `delivered` of `expected`; null if nothing was expected. */
  readonly share: number | null
  readonly hops: { readonly mean: number; readonly max: number }
  /** Milliseconds from the broadcast to a node's topic. */
  readonly latency_ms: { readonly p50: number; readonly p99: number; readonly max: number }
}

export class Deliveries {
  readonly #sent = new Map<string, Sent>()
  readonly #leftAt = new Map<number, number>()
  readonly #latencies: Array<number> = []
  #hops = 0
  #mostHops = 0

  recordBroadcast(name: string, at: number, by: number, to: ReadonlyArray<number>): void {
    this.#sent.set(name, { at, by, to, receivers: new Set([by]) })
  }

  /** Counts the first reception of each node. */
  recordReception(name: string, at: number, node: number, hops: number): void {
    const sent = this.#sent.get(name)
    if (sent === undefined || sent.receivers.has(node)) return
    sent.receivers.add(node)
    this.#latencies.push(at - sent.at)
    this.#hops += hops
    if (hops > this.#mostHops) this.#mostHops = hops
  }

  recordDeparture(node: number, at: number): void {
    this.#leftAt.set(node, at)
  }

  figures(): DeliveryFigures {
    let [expected, delivered] = [0, 0]
    for (const { at, by, receivers, to } of this.#sent.values()) {
      for (const node of to) {
        if (node === by || (this.#leftAt.get(node) ?? Number.POSITIVE_INFINITY) <= at + GRACE_MS) continue
        expected++
        if (receivers.has(node)) delivered++
      }
    }
    const sorted = Float64Array.from(this.#latencies).sort()
    return {
      broadcasts: this.#sent.size,
      expected,
      delivered,
      share: expected === 0 ? null : delivered / expected,
      hops: { mean: sorted.length === 0 ? 0 : this.#hops / sorted.length, max: this.#mostHops },
      latency_ms: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 },
    }
  }
}
