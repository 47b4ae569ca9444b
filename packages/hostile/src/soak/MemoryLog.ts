/** The memory of one process over time, and how fast it grows. */
import { Effect } from "effect"
import type { AttackFailed } from "../harness/Attack.ts"
import type { Victim } from "../harness/Victim.ts"
import { median, type Sample, slope } from "./slope.ts"

const TEN_MINUTES_MS = 10 * 60_000

/** Sizes in MB; slopes in MB in ten minutes. */
export interface MemoryReport {
  readonly node: string
  readonly resident: number
  readonly residentSlope: number
  /** Objects of JavaScript and their buffers, after collection. */
  readonly live: number
  readonly liveSlope: number
  /** The part of {@link liveSlope} that is compiled code. */
  readonly codeSlope: number
  readonly handlesBefore: number
  readonly handlesAfter: number
}

export class MemoryLog {
  readonly #node: string
  readonly #victim: Victim
  readonly #resident: Array<Sample> = []
  readonly #live: Array<Sample> = []
  readonly #code: Array<Sample> = []
  readonly #handles: Array<number> = []

  constructor(node: string, victim: Victim) {
    this.#node = node
    this.#victim = victim
  }

  /** Collects garbage and takes a sample at the time `at` (ms). */
  sample(at: number): Effect.Effect<void, AttackFailed> {
    return Effect.gen({ self: this }, function* () {
      yield* this.#victim.call("collectGarbage")
      const { code, live } = yield* this.#victim.call("memory")
      this.#resident.push({ at, value: this.#victim.rssBytes() / 2 ** 20 })
      this.#live.push({ at, value: live / 2 ** 20 })
      this.#code.push({ at, value: code / 2 ** 20 })
      this.#handles.push(this.#victim.handles())
    })
  }

  /** The memory since this time (ms). */
  report(since: number): MemoryReport {
    const begin = Math.max(
      0,
      this.#resident.findIndex(({ at }) => at >= since),
    )
    const handles = this.#handles.slice(begin)
    const edge = Math.max(1, Math.floor(handles.length / 4))
    const slopeOf = (samples: ReadonlyArray<Sample>) => slope(samples.slice(begin)) * TEN_MINUTES_MS
    return {
      node: this.#node,
      resident: this.#resident.at(-1)?.value ?? Number.NaN,
      residentSlope: slopeOf(this.#resident),
      live: this.#live.at(-1)?.value ?? Number.NaN,
      liveSlope: slopeOf(this.#live),
      codeSlope: slopeOf(this.#code),
      handlesBefore: median(handles.slice(0, edge)),
      handlesAfter: median(handles.slice(-edge)),
    }
  }
}
