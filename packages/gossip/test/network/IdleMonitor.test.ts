/** Connections over which nothing arrives any more. */
import { assert, describe, it } from "@effect/vitest"
import { afterEach, beforeEach, vi } from "vitest"
import { IdleMonitor } from "../../src/transport/iroh/IdleMonitor.ts"

const connection = () => {
  const state = { received: 0 as number | undefined, givenUp: 0 }
  const stats = () =>
    state.received === undefined ? undefined : { udpRxDatagrams: state.received, udpRxBytes: 0, udpTxBytes: 0 }
  return { state, stats, giveUp: () => void state.givenUp++ }
}

describe("IdleMonitor", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it("gives up a connection that is silent for the whole time, and no other", () => {
    const monitor = new IdleMonitor({ timeoutMs: 15_000 })
    const [silent, rare] = [connection(), connection()]
    monitor.add(silent)
    monitor.add(rare)
    for (let heartbeat = 0; heartbeat < 3; heartbeat++) {
      assert.deepStrictEqual([silent.state.givenUp, rare.state.givenUp], [0, 0])
      vi.advanceTimersByTime(4_900)
      rare.state.received!++
    }
    vi.advanceTimersByTime(400)
    assert.deepStrictEqual([silent.state.givenUp, rare.state.givenUp], [1, 0])
    monitor.remove(silent)
    vi.advanceTimersByTime(13_000)
    assert.strictEqual(rare.state.givenUp, 0)
    vi.advanceTimersByTime(3_000)
    assert.strictEqual(rare.state.givenUp, 1)
  })

  it("keeps a connection whose number of packets is not known", () => {
    const monitor = new IdleMonitor({ timeoutMs: 2_000 })
    const unknown = connection()
    unknown.state.received = undefined
    monitor.add(unknown)
    vi.advanceTimersByTime(60_000)
    assert.strictEqual(unknown.state.givenUp, 0)
    monitor.remove(unknown)
  })

  it("has a timer only while there is a connection to check", () => {
    const monitor = new IdleMonitor({ timeoutMs: 15_000 })
    const [first, second] = [connection(), connection()]
    assert.strictEqual(vi.getTimerCount(), 0)
    monitor.add(first)
    monitor.add(second)
    assert.strictEqual(vi.getTimerCount(), 1)
    monitor.remove(first)
    assert.strictEqual(vi.getTimerCount(), 1)
    monitor.remove(second)
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("checks a tenth of the connections at a time, and one that is suspicious each time", () => {
    let checks = 0
    const suspicious = new Set<unknown>()
    const checked: Array<unknown> = []
    const monitor = new IdleMonitor<ReturnType<typeof connection>>({
      timeoutMs: 15_000,
      onChecked: (one) => {
        checks++
        checked.push(one)
        return suspicious.has(one)
      },
    })
    const connections = Array.from({ length: 1_000 }, connection)
    for (const [i, one] of connections.entries()) {
      monitor.add(one)
      if (i % 10 === 9) vi.advanceTimersByTime(10)
    }
    for (let i = 0; i < 20; i++) {
      checks = 0
      vi.advanceTimersByTime(100)
      assert.isAtLeast(checks, 50)
      assert.isAtMost(checks, 150)
    }
    suspicious.add(connections[0])
    vi.advanceTimersByTime(1_000)
    checked.length = 0
    vi.advanceTimersByTime(1_000)
    assert.lengthOf(
      checked.filter((one) => one === connections[0]),
      10,
    )
    for (const one of connections) monitor.remove(one)
  })
})
