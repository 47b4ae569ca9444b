import { assert, describe, it } from "@effect/vitest"
import { decodeKept, encodeKept, MAX_KEPT_BYTES, type SeenNode } from "../src/storage/nodesCodec.ts"

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
const NOW = 30_000_000 * MINUTE
const node = (last: number, host = `8.8.4.${last}`, seenAt = NOW): SeenNode => ({
  id: new Uint8Array(20).fill(last),
  host,
  port: 6881,
  seenAt,
})
const decode = (bytes: Uint8Array, boundTo = "0.0.0.0") => decodeKept(bytes, { boundTo, now: NOW })

describe("known nodes as bytes", () => {
  it("are the same nodes again, and at most 512", () => {
    const nodes = [node(1), node(2, "8.8.4.2", NOW - 5 * MINUTE)]
    assert.deepStrictEqual(decode(encodeKept(nodes)), nodes)
    const many = Array.from({ length: 600 }, (_, i) => node(i % 250, `8.8.${i >> 8}.${i & 255}`))
    const bytes = encodeKept(many)
    assert.strictEqual(bytes.length, MAX_KEPT_BYTES)
    assert.strictEqual(decode(bytes)?.length, 512)
  })

  it("are none if any byte is changed, missing or added", () => {
    const bytes = encodeKept([node(1), node(2)])
    for (let i = 0; i < bytes.length; i++) {
      const altered = bytes.slice()
      altered[i] = altered[i]! ^ 1
      assert.isUndefined(decode(altered))
      assert.isUndefined(decode(bytes.subarray(0, i)))
    }
    assert.isUndefined(decode(Uint8Array.from([...bytes, ...new Uint8Array(30)])))
    assert.isUndefined(decode(new Uint8Array(1 << 20)))
  })

  it("do not send a public client into a private network", () => {
    const bytes = encodeKept([node(1), node(2, "127.0.0.1"), node(3, "192.168.0.1")])
    assert.deepStrictEqual(decode(bytes), [node(1)])
    assert.strictEqual(decode(bytes, "127.0.0.1")?.length, 3)
  })

  it("are forgotten after a week, and a time that cannot be is not believed", () => {
    const seen = (seenAt: number) => decode(encodeKept([node(1, "8.8.4.1", seenAt)]))!
    assert.lengthOf(seen(NOW - 6.9 * DAY), 1)
    assert.lengthOf(seen(NOW - 7.1 * DAY), 0)
    assert.deepStrictEqual(
      seen(NOW + 0.9 * DAY).map(({ seenAt }) => seenAt),
      [NOW],
    )
    assert.lengthOf(seen(NOW + 1.1 * DAY), 0)
    assert.lengthOf(seen(0), 0)
  })

  it("are at most eight of one public host, and any number of a private one", () => {
    const ports = (host: string) => Array.from({ length: 20 }, (_, i) => ({ ...node(i, host), port: 1000 + i }))
    assert.lengthOf(decode(encodeKept(ports("8.8.4.1")))!, 8)
    assert.lengthOf(decode(encodeKept(ports("127.0.0.1")), "127.0.0.1")!, 20)
  })
})
