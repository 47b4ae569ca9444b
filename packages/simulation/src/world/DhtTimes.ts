/** Measures the duration of gets and puts, and the share of the asked nodes that stored a put. */
import { Dht, targetOf } from "@topic-tracker/dht"
import { Effect, Layer, Stream } from "effect"
import type { Environment } from "../environment/Environment.ts"
import type { WorldTime } from "../environment/WorldTime.ts"
import { meanOf, type Spans, spansOf } from "./distribution.ts"

/**
 * Times of the DHT clients of a run, in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface DhtTimeFigures {
  /** Milliseconds of the gets that ran to their end; a get that its caller stopped early does not count. */
  readonly get_ms: Spans
  /** Milliseconds of the puts that at least one node stored. */
  readonly put_ms: Spans
  /** Gets and puts that failed. */
  readonly failed: number
  /** Of the nodes to which a put was sent, the share that confirmed it; null if there was no put. */
  readonly stored_share: number | null
  /**
   * Of the 20 nodes that are truly the nearest to a put's target and answer gets, those that hold an item under it when the put has
   * ended: the mean of all puts. null if there was no put, and without `model = "mainline"`.
   */
  readonly stored_of_nearest: number | null
}

export class DhtTimes {
  readonly #time: WorldTime
  readonly #nearestHolding: Environment["nearestHolding"]
  readonly #ofNearest: Array<number> = []
  readonly #gets: Array<number> = []
  readonly #puts: Array<number> = []
  #failed = 0
  #asked = 0
  #stored = 0

  constructor(time: WorldTime, { nearestHolding }: Pick<Environment, "nearestHolding">) {
    this.#time = time
    this.#nearestHolding = nearestHolding
  }

  /** The DHT service with each call measured. */
  readonly layer = Layer.effect(
    Dht,
    Effect.map(Dht, (dht): Dht["Service"] => ({
      ...dht,
      get: (key, options) =>
        Stream.suspend(() => {
          const start = this.#time.now
          const ended = Effect.sync(() => this.#gets.push(this.#time.now - start))
          return dht.get(key, options).pipe(
            Stream.concat(Stream.fromEffectDrain(ended)),
            Stream.tapError(() => this.#failure),
          )
        }),
      put: (request) =>
        Effect.suspend(() => {
          const start = this.#time.now
          return dht.put(request).pipe(
            Effect.tap(({ asked, stored }) =>
              Effect.sync(() => {
                this.#puts.push(this.#time.now - start)
                this.#asked += asked
                this.#stored += stored
                if (this.#nearestHolding === undefined) return
                this.#ofNearest.push(this.#nearestHolding(targetOf(request.key.publicKey, request.salt)))
              }),
            ),
            Effect.tapError(() => this.#failure),
          )
        }),
    })),
  )

  readonly #failure = Effect.sync(() => {
    this.#failed++
  })

  figures(): DhtTimeFigures {
    return {
      get_ms: spansOf(this.#gets),
      put_ms: spansOf(this.#puts),
      failed: this.#failed,
      stored_share: this.#asked === 0 ? null : this.#stored / this.#asked,
      stored_of_nearest: this.#ofNearest.length === 0 ? null : meanOf(this.#ofNearest),
    }
  }
}
