/** Samples of rates and latencies of several ways to carry messages, measured alternately: other load of the machine affects all. */
import { setTimeout } from "node:timers/promises"

/** One way to carry messages. */
export interface Way {
  /** Sends one message and waits for its arrival; between two processes, for the answer. */
  readonly ping: () => Promise<void>
  readonly rates: ReadonlyArray<Rate>
}

/** Messages that are sent as fast as they are accepted. */
export interface Rate {
  /** Messages that have arrived so far. */
  readonly count: () => number
  /** Sends more, and returns when there is room again. */
  readonly send: () => Promise<void>
}

const RATE_SAMPLES = 5

/** Many warm-up blocks: after hundreds of messages, V8 still runs code that it has not compiled. */
const PINGS = { perBlock: 50, warmUpBlocks: 40, blocks: 20 }

/** The pause after a sample, so that messages under way do not count for the next one. */
const SETTLE_MS = 100

/** Samples of each rate, in messages a second. Each sample lasts `seconds`; the first round is a warm-up. */
export const sampleRates = async (rates: ReadonlyArray<Rate>, seconds: number): Promise<Array<Array<number>>> => {
  const samples = rates.map((): Array<number> => [])
  for (let round = -1; round < RATE_SAMPLES; round++) {
    for (const [index, rate] of rates.entries()) {
      const sample = await sampleRate(rate, seconds)
      if (round >= 0) samples[index]!.push(sample)
      await setTimeout(SETTLE_MS)
    }
  }
  return samples
}

const sampleRate = async ({ count, send }: Rate, seconds: number): Promise<number> => {
  const [before, start] = [count(), performance.now()]
  const end = start + seconds * 1000
  while (performance.now() < end) await send()
  return (count() - before) / ((performance.now() - start) / 1000)
}

/** The ms of each ping of each way. `share`: the part of a ping that counts, 1/2 for there and back. */
export const sampleLatencies = async (ways: ReadonlyArray<Way>, share: number): Promise<Array<Array<number>>> => {
  const samples = ways.map((): Array<number> => [])
  for (let block = -PINGS.warmUpBlocks; block < PINGS.blocks; block++) {
    for (const [index, { ping }] of ways.entries()) {
      for (let i = 0; i < PINGS.perBlock; i++) {
        const start = performance.now()
        await ping()
        const ms = performance.now() - start
        if (block >= 0) samples[index]!.push(ms * share)
      }
    }
  }
  return samples
}
