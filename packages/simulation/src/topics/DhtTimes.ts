/** How long gets and puts take, and how many of the nodes asked have stored what was put. */
import { Dht } from "@topic-tracker/dht"
import { Effect, Layer, Stream } from "effect"
import { quantile } from "./Deliveries.ts"
import type { WorldTime } from "./WorldTime.ts"

export interface Spans {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface DhtTimeFigures {
  /** Milliseconds of the gets that came to their end: none that found enough before. */
  readonly get_ms: Spans
  /** Milliseconds of the puts that were stored somewhere. */
  readonly put_ms: Spans
  /** Gets and puts that failed. */
  readonly failed: number
  /** Of the nodes that a put was sent to, the share that said to have stored it; null when there was no put. */
  readonly stored_share: number | null
}

export class DhtTimes {
  private readonly time: WorldTime
  private readonly gets: Array<number> = []
  private readonly puts: Array<number> = []
  private failed = 0
  private asked = 0
  private stored = 0

  constructor(time: WorldTime) {
    this.time = time
  }

  /** The service, with the time of each call taken. */
  readonly layer = Layer.effect(
    Dht,
    Effect.map(Dht, (dht): Dht["Service"] => ({
      ...dht,
      get: (key, options) =>
        Stream.suspend(() => {
          const start = this.time.now
          const ended = Effect.sync(() => this.gets.push(this.time.now - start))
          return dht.get(key, options).pipe(
            Stream.concat(Stream.fromEffectDrain(ended)),
            Stream.tapError(() => this.failure),
          )
        }),
      put: (request) =>
        Effect.suspend(() => {
          const start = this.time.now
          return dht.put(request).pipe(
            Effect.tap(({ asked, stored }) =>
              Effect.sync(() => {
                this.puts.push(this.time.now - start)
                this.asked += asked
                this.stored += stored
              }),
            ),
            Effect.tapError(() => this.failure),
          )
        }),
    })),
  )

  private readonly failure = Effect.sync(() => {
    this.failed++
  })

  figures(): DhtTimeFigures {
    return {
      get_ms: spans(this.gets),
      put_ms: spans(this.puts),
      failed: this.failed,
      stored_share: this.asked === 0 ? null : this.stored / this.asked,
    }
  }
}

const spans = (values: ReadonlyArray<number>): Spans => {
  const sorted = Float64Array.from(values).sort()
  return {
    count: sorted.length,
    mean: sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? 0,
  }
}
