import { assert, describe, it } from "@effect/vitest"
import { SocketAddress } from "@topic-tracker/common"
import { RateLimit, type RateLimitOptions } from "../src/serve/RateLimit.ts"

const makeLimit = (options: Partial<RateLimitOptions> = {}) =>
  new RateLimit({
    perHost: 10,
    total: 2_000,
    bytesPerHost: 8_000,
    bytesTotal: 100_000,
    capacity: 4096,
    isKnown: () => false,
    reachOf: SocketAddress.reachOf4,
    ...options,
  })

const host = (n: number) => `80.0.${n >> 8}.${n & 255}`

/** Serves queries of these hosts in turn for some seconds; returns the queries served and the bytes answered. */
const serve = (limit: RateLimit, hosts: ReadonlyArray<string>, perSecond: number, seconds: number, bytes = 1_396) => {
  const outcome = { queries: 0, bytes: 0 }
  for (let i = 0; i < perSecond * seconds; i++) {
    const now = (i * 1000) / perSecond
    const from = hosts[i % hosts.length]!
    if (!limit.allows(from, now)) continue
    outcome.queries++
    if (limit.allowsAnswer(from, bytes, now)) outcome.bytes += bytes
  }
  return outcome
}

describe("RateLimit", () => {
  it("serves a public host 50 queries at once and 10 a second after that", () => {
    const limit = makeLimit()
    assert.strictEqual(serve(limit, [host(1)], 100_000, 0.002, 0).queries, 50)
    assert.strictEqual(serve(makeLimit(), [host(1)], 50, 100, 0).queries, 50 + 1000 - 1)
  })

  it("bounds the bytes to one host, whoever asks in its name: 64 KB at once, 8 KB a second after that", () => {
    const { bytes } = serve(makeLimit(), [host(1)], 90, 60)
    assert.isAtMost(bytes, 64_000 + 60 * 8_000)
    assert.isAtLeast(bytes, 60 * 8_000)
  })

  it("bounds the bytes to all hosts: half of 100 KB a second for hosts that never answered us", () => {
    const hosts = Array.from({ length: 2_000 }, (_, n) => host(n))
    const forged = serve(makeLimit(), hosts, 2_000, 30)
    assert.isAtMost(forged.bytes, 100_000 + 30 * 100_000)
    const known = new Set(hosts.slice(0, 40))
    const limit = makeLimit({ isKnown: (host) => known.has(host) })
    let served = 0
    let asked = 0
    for (let i = 0; i < 60_000; i++) {
      const now = i / 2
      limit.allowsAnswer(host(500 + (i % 1_500)), 1_396, now)
      // Meanwhile each known host asks once in two seconds: 20 queries a second, 28 KB a second.
      if (i % 100 === 0 && now > 1000) {
        asked++
        if (limit.allowsAnswer(host((i / 100) % 40), 1_396, now)) served++
      }
    }
    assert.strictEqual(served, asked)
  })

  it("does not hear a host for five minutes that asks ten times as much as it may", () => {
    const limit = makeLimit()
    const busy = serve(limit, [host(1)], 90, 60, 0)
    assert.isAtLeast(busy.queries, 600)
    assert.isFalse(limit.isMuted(host(1), 60_000))
    assert.isAtMost(serve(limit, [host(2)], 300, 60, 0).queries, 50 + 10 * 3)
    assert.isTrue(limit.isMuted(host(2), 60_000))
    assert.isTrue(limit.allows(host(3), 60_000))
    assert.isFalse(limit.allows(host(2), 299_000))
    assert.isTrue(limit.allows(host(2), 310_000))
  })

  it("gives a private host ten times as much, and loopback as much as all hosts together", () => {
    assert.strictEqual(serve(makeLimit(), ["192.168.1.1"], 100_000, 0.01, 0).queries, 500)
    const loopback = serve(makeLimit(), ["127.0.0.1"], 1_000, 10)
    assert.deepStrictEqual(loopback, { queries: 10_000, bytes: 13_960_000 })
    assert.strictEqual(serve(makeLimit({ total: 100 }), ["127.0.0.1"], 10_000, 0.1, 0).queries, 109)
  })
})
