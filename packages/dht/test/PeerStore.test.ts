import { assert, describe, it } from "@effect/vitest"
import { PeerStore } from "../src/serve/PeerStore.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const minute = 60_000

const makeStore = (maxPeers = 100_000) => {
  const clock = { now: 0 }
  const store = new PeerStore({ maxPeers, now: () => clock.now, random: makeGenerator(3).next })
  return { clock, store }
}

/** Host n is 1.x.y.z. */
const peer = (n: number, port: number) =>
  Uint8Array.of(1, (n >> 16) & 255, (n >> 8) & 255, n & 255, port >> 8, port & 255)
const privatePeer = (port: number) => Uint8Array.of(10, 0, 0, 1, port >> 8, port & 255)

describe("PeerStore", () => {
  it("keeps at most 500 peers of a hash and returns a sample of a hundred, each once", () => {
    const { store } = makeStore()
    for (let n = 1; n <= 600; n++) store.add("hash", peer(n, 1))
    assert.strictEqual(store.size, 500)
    const sample = store.get("hash").map(String)
    assert.strictEqual(sample.length, 100)
    assert.strictEqual(new Set(sample).size, 100)
    assert.notDeepEqual(store.get("hash").map(String), sample)
  })

  it("keeps at most 20 peers of a public host under a hash, and any number of a private one", () => {
    const { store } = makeStore()
    store.add("hash", peer(2, 1))
    for (let port = 1; port <= 30; port++) store.add("hash", peer(1, port))
    assert.strictEqual(store.size, 21)
    assert.isTrue(
      store
        .get("hash")
        .map(String)
        .includes(String(peer(1, 30))),
    )
    assert.isTrue(
      store
        .get("hash")
        .map(String)
        .includes(String(peer(2, 1))),
    )
    for (let port = 1; port <= 30; port++) store.add("private", privatePeer(port))
    assert.strictEqual(store.get("private").length, 30)
  })

  it("keeps at most 2,000 hashes, and the peers that the option allows: the hash announced the longest time ago leaves", () => {
    const { store } = makeStore()
    for (let n = 0; n <= 2_000; n++) store.add(`hash ${n}`, peer(n, 1))
    assert.strictEqual(store.size, 2_000)
    assert.deepStrictEqual(store.get("hash 0"), [])
    const small = makeStore(3).store
    for (const [hash, n] of [
      ["a", 1],
      ["b", 1],
      ["a", 2],
      ["b", 2],
    ] as const)
      small.add(hash, peer(n, 1))
    assert.deepStrictEqual(small.get("a"), [])
    assert.strictEqual(small.get("b").length, 2)
    for (let n = 3; n <= 6; n++) small.add("b", peer(n, 1))
    assert.strictEqual(small.size, 3)
  })

  it("forgets a peer 45 minutes after its last announcement", () => {
    const { clock, store } = makeStore()
    for (const n of [1, 2]) store.add("hash", peer(n, 1))
    clock.now = 30 * minute
    store.add("hash", peer(1, 1))
    clock.now = 46 * minute
    assert.deepStrictEqual(store.get("hash"), [peer(1, 1)])
    assert.strictEqual(store.size, 1)
    clock.now = 80 * minute
    assert.deepStrictEqual(store.get("hash"), [])
    assert.strictEqual(store.size, 0)
  })
})
