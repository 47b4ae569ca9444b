import { assert, describe, it } from "@effect/vitest"
import { EndpointId } from "@topic-tracker/crypto"
import { Xoshiro128 } from "@topic-tracker/gossip/stateMachine"
import { evenly, LinkModel } from "../../src/environment/LinkModel.ts"
import { type Delay, delayAt, regionAt, timeoutOf } from "../../src/scenario/Delay.ts"
import { type LinkSettings, perfectLinks } from "../../src/scenario/LinkSettings.ts"

const id = (n: number) => EndpointId.fromBytes(Uint8Array.of(n, ...new Uint8Array(31).fill(1)))

const model = (settings: Partial<LinkSettings>, nodes = 4) => {
  const clock = { now: 0 }
  const links = new LinkModel({ ...perfectLinks, ...settings }, 5, () => clock.now)
  for (let i = 0; i < nodes; i++) links.addNode(id(i), i)
  const rng = new Xoshiro128(1n)
  const random = () => rng.nextInt(2 ** 30) / 2 ** 30
  return {
    clock,
    links,
    send: (from: number, to: number, bytes = 100) => links.policy(id(from), id(to), random, bytes),
    copies: (from: number, to: number, bytes = 100) => links.copies(id(from), id(to), random, bytes),
  }
}

const share = (count: number, of: () => boolean) => {
  let sum = 0
  for (let i = 0; i < count; i++) if (of()) sum++
  return sum / count
}

describe("delays", () => {
  it("a log-normal distribution has its median and the quantiles of the normal distribution", () => {
    const delay: Delay = { _tag: "LogNormal", medianMs: 40, sigma: 0.5 }
    assert.closeTo(delayAt(delay, 0.5, 0, 0), 40, 1e-6)
    assert.closeTo(delayAt(delay, 0.975, 0, 0), 40 * Math.exp(0.5 * 1.959964), 1e-3)
    assert.closeTo(delayAt(delay, 0.01, 0, 0), 40 * Math.exp(0.5 * -2.326348), 1e-3)
    assert.isBelow(delayAt(delay, 1, 0, 0), 500, "no link takes for ever")
  })

  it("the time-out is the mean and four mean deviations", () => {
    assert.closeTo(timeoutOf({ _tag: "Constant", ms: 60 }), 60, 1e-9)
    // The mean deviation of an even distribution is a quarter of its width.
    assert.closeTo(timeoutOf({ _tag: "Uniform", minMs: 20, maxMs: 100 }), 60 + 80, 0.1)
  })

  it("each region has its share of the nodes, and each pair of regions its delay", () => {
    const regions: Delay = {
      _tag: "Regions",
      regions: {
        names: ["a", "b"],
        shares: [0.25, 0.75],
        ms: [
          [5, 80],
          [80, 7],
        ],
      },
    }
    assert.deepStrictEqual(
      [0, 0.24, 0.26, 0.999].map((chance) => regionAt(regions, chance)),
      [0, 0, 1, 1],
    )
    assert.strictEqual(delayAt(regions, 0.3, 0, 1), 80)
    assert.strictEqual(delayAt(regions, 0.3, 1, 1), 7)
  })
})

describe("LinkModel", () => {
  it("a pair has one delay in both directions without jitter", () => {
    const { send } = model({ latency: { _tag: "Uniform", minMs: 10, maxMs: 50 } })
    const delay = send(0, 1).delayMs
    assert.deepStrictEqual([send(1, 0).delayMs, send(0, 1).delayMs], [delay, delay])
    assert.notStrictEqual(send(0, 2).delayMs, delay)
    const jittery = model({ latency: { _tag: "Constant", ms: 20 }, jitterMs: 5 })
    const delays = Array.from({ length: 200 }, () => jittery.send(0, 1).delayMs ?? 0)
    assert.isAtLeast(Math.min(...delays), 20)
    assert.isBelow(Math.max(...delays), 25)
    assert.isAbove(new Set(delays).size, 100)
  })

  it("loses its share of packets; a packet sent twice is lost only if both copies are", () => {
    const { send } = model({ loss: 0.2 })
    assert.closeTo(
      share(5_000, () => send(0, 1).drop === true),
      0.2,
      0.02,
    )
    const doubled = model({ loss: 0.2, duplication: 0.5 })
    assert.closeTo(
      share(5_000, () => doubled.send(0, 1).drop === true),
      0.5 * 0.2 + 0.5 * 0.04,
      0.02,
    )
  })

  it("delays its share of packets further", () => {
    const { send } = model({ latency: { _tag: "Constant", ms: 10 }, reordering: { share: 0.3, delayMs: 60 } })
    assert.closeTo(
      share(5_000, () => send(0, 1).delayMs === 70),
      0.3,
      0.02,
    )
  })

  it("a node's line sends one packet after the other at its bandwidth, independent of other nodes", () => {
    const { clock, send } = model({ latency: { _tag: "Constant", ms: 10 }, bandwidth: 80_000 })
    assert.deepStrictEqual([send(0, 1).delayMs, send(0, 2).delayMs, send(1, 0).delayMs], [20, 30, 20])
    clock.now = 15
    assert.strictEqual(send(0, 1).delayMs, 25, "5 ms of the second packet are left")
    clock.now = 1_000
    assert.strictEqual(send(0, 1).delayMs, 20)
  })

  it("its share of the nodes cannot be dialled; the first node can", () => {
    const { links } = model({ nat: 0.25 }, 40)
    const dialled = Array.from({ length: 40 }, (_, i) => links.canBeDialled(id(i)))
    assert.strictEqual(dialled.filter((can) => !can).length, 10)
    assert.isTrue(dialled[0])
  })

  it("a relay carries the first packets to a node behind a NAT, and most pairs become direct", () => {
    const relay = { rttMs: 300, share: 0.5, punched: 0.9, afterMs: 1_000 }
    const latency: Delay = { _tag: "Constant", ms: 10 }
    const { clock, links, send } = model({ latency, nat: 0.5, relay }, 80)
    // Every second node is behind a NAT, and half of these have a relay.
    const dialled = Array.from({ length: 80 }, (_, i) => links.canBeDialled(id(i)))
    assert.isTrue(dialled.every((can, i) => can || i % 2 === 1))
    assert.closeTo(dialled.filter((can) => !can).length, 20, 8)
    assert.deepStrictEqual([send(1, 0).delayMs, send(0, 2).delayMs], [10, 10], "a dial of a public node is direct")
    assert.deepStrictEqual([send(2, 3).delayMs, send(3, 2).delayMs], [150, 150])
    const pairs = Array.from({ length: 40 }, (_, i) => 2 * i + 1).flatMap((a, i, all) =>
      all.slice(i + 1).map((b) => [a, b] as const),
    )
    assert.isTrue(pairs.every(([a, b]) => send(a, b).delayMs === 150))
    clock.now = 999
    assert.deepStrictEqual([send(2, 3).delayMs, send(1, 3).delayMs], [150, 150])
    clock.now = 1_000
    assert.strictEqual(send(2, 3).delayMs, 10)
    const direct = pairs.filter(([a, b]) => send(b, a).delayMs === 10)
    assert.closeTo(direct.length / pairs.length, 0.9, 0.04)
    clock.now = 61_000
    assert.strictEqual(send(2, 3).delayMs, 150, "the mapping is gone")
  })

  it("draws evenly for pairs", () => {
    const draws = Array.from({ length: 100 }, (_, a) => Array.from({ length: 100 }, (_, b) => evenly(3, a, b))).flat()
    const mean = draws.reduce((sum, each) => sum + each, 0) / draws.length
    assert.closeTo(mean, 0.5, 0.01)
    assert.isAbove(new Set(draws).size, 9_900)
    for (let tenth = 0; tenth < 10; tenth++) {
      assert.closeTo(draws.filter((each) => Math.floor(each * 10) === tenth).length, 1_000, 120)
    }
  })

  it("each copy of a packet has its own chance to arrive and its own time on the line", () => {
    const { copies } = model({ latency: { _tag: "Constant", ms: 20 }, loss: 0.2, duplication: 0.5 })
    const counts = [0, 0, 0]
    for (let i = 0; i < 5_000; i++) counts[copies(0, 1).length]!++
    // No copy: the only one is lost, or both are. Two: the packet is doubled, and neither copy is lost.
    assert.closeTo(counts[0]! / 5_000, 0.5 * 0.2 + 0.5 * 0.04, 0.02)
    assert.closeTo(counts[2]! / 5_000, 0.5 * 0.64, 0.02)
    const narrow = model({ latency: { _tag: "Constant", ms: 20 }, duplication: 0.999_999, bandwidth: 8_000 })
    assert.deepStrictEqual(narrow.copies(0, 1, 10), [30, 40])
    assert.deepStrictEqual(narrow.copies(0, 9, 10), [], "there is no node 9")
  })

  it("QUIC's probe time-out is a round trip, its deviations and the acknowledgement delay; a dial's doubles from a second", () => {
    const { links } = model({ latency: { _tag: "Constant", ms: 40 }, jitterMs: 5 })
    assert.deepStrictEqual(links.recovery(id(0), id(1)), { roundTripMs: 85, probeMs: 1.5 * 85 + 2.5 + 25 })
    assert.deepStrictEqual([links.dialAgainMs(id(0), id(1), 0), links.dialAgainMs(id(0), id(1), 1)], [999, 1_998])
  })
})
