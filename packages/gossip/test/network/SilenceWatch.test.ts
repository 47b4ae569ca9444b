/** Connections from which nothing comes any more. */
import { assert, describe, it } from "@effect/vitest"
import { afterEach, beforeEach, vi } from "vitest"
import { SilenceWatch } from "../../src/transport/iroh/SilenceWatch.ts"

const connection = () => {
  const state = { received: 0 as number | undefined, givenUp: 0 }
  return { state, received: () => state.received, giveUp: () => void state.givenUp++ }
}

describe("SilenceWatch", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it("gives up who is silent for the whole time, and nobody else", () => {
    const watch = new SilenceWatch(15_000)
    const [silent, rare] = [connection(), connection()]
    watch.add(silent)
    watch.add(rare)
    for (let heartbeat = 0; heartbeat < 3; heartbeat++) {
      assert.deepStrictEqual([silent.state.givenUp, rare.state.givenUp], [0, 0])
      vi.advanceTimersByTime(4_900)
      rare.state.received!++
    }
    vi.advanceTimersByTime(400)
    assert.deepStrictEqual([silent.state.givenUp, rare.state.givenUp], [1, 0])
    watch.remove(silent)
    vi.advanceTimersByTime(13_000)
    assert.strictEqual(rare.state.givenUp, 0)
    vi.advanceTimersByTime(3_000)
    assert.strictEqual(rare.state.givenUp, 1)
  })

  it("leaves alone of whom nothing is known", () => {
    const watch = new SilenceWatch(2_000)
    const unknown = connection()
    unknown.state.received = undefined
    watch.add(unknown)
    vi.advanceTimersByTime(60_000)
    assert.strictEqual(unknown.state.givenUp, 0)
    watch.remove(unknown)
  })

  it("has a timer only while there is somebody to watch", () => {
    const watch = new SilenceWatch(15_000)
    const [first, second] = [connection(), connection()]
    assert.strictEqual(vi.getTimerCount(), 0)
    watch.add(first)
    watch.add(second)
    assert.strictEqual(vi.getTimerCount(), 1)
    watch.remove(first)
    assert.strictEqual(vi.getTimerCount(), 1)
    watch.remove(second)
    assert.strictEqual(vi.getTimerCount(), 0)
  })
})
