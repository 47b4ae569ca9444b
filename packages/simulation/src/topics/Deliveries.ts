/** Which broadcast reached whom, after how many hops and how long. */

/** Who leaves within so many ms of a broadcast is not expected to have got it. */
const grace = 5_000

interface Sent {
  readonly at: number
  readonly by: number
  /** The nodes that were there. */
  readonly to: ReadonlyArray<number>
  readonly got: Set<number>
}

export interface DeliveryFigures {
  readonly broadcasts: number
  readonly expected: number
  readonly delivered: number
  /** `delivered` of `expected`; null when nothing was. */
  readonly share: number | null
  readonly hops: { readonly mean: number; readonly max: number }
  /** Milliseconds from the broadcast to a node's topic. */
  readonly latency_ms: { readonly p50: number; readonly p99: number; readonly max: number }
}

export class Deliveries {
  private readonly sent = new Map<string, Sent>()
  private readonly goneAt = new Map<number, number>()
  private readonly latencies: Array<number> = []
  private hops = 0
  private mostHops = 0

  broadcast(name: string, at: number, by: number, to: ReadonlyArray<number>): void {
    this.sent.set(name, { at, by, to, got: new Set([by]) })
  }

  received(name: string, at: number, node: number, hops: number): void {
    const sent = this.sent.get(name)
    if (sent === undefined || sent.got.has(node)) return
    sent.got.add(node)
    this.latencies.push(at - sent.at)
    this.hops += hops
    if (hops > this.mostHops) this.mostHops = hops
  }

  gone(node: number, at: number): void {
    this.goneAt.set(node, at)
  }

  figures(): DeliveryFigures {
    let [expected, delivered] = [0, 0]
    for (const { at, by, got, to } of this.sent.values()) {
      for (const node of to) {
        if (node === by || (this.goneAt.get(node) ?? Number.POSITIVE_INFINITY) <= at + grace) continue
        expected++
        if (got.has(node)) delivered++
      }
    }
    const sorted = Float64Array.from(this.latencies).sort()
    return {
      broadcasts: this.sent.size,
      expected,
      delivered,
      share: expected === 0 ? null : delivered / expected,
      hops: { mean: sorted.length === 0 ? 0 : this.hops / sorted.length, max: this.mostHops },
      latency_ms: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 },
    }
  }
}

/** The value below or at which such a share of the sorted values lies; 0 when there are none. */
export const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
