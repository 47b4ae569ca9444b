import { assert, describe, it } from "@effect/vitest"
import { SocketAddress } from "@topic-tracker/common"
import { compareDistance } from "../src/krpc/nodeId.ts"
import { ItemStore } from "../src/serve/ItemStore.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const makeStore = (maxItems = 1_000) => {
  const generator = makeGenerator(4)
  const id = generator.bytes(20)
  const store = new ItemStore<string>({ id: () => id, maxItems, reachOf: SocketAddress.reachOf4 })
  const put = (host: string, target = generator.bytes(20)) => ({
    target,
    isStored: store.set(target, host, host, 1000, 0),
  })
  return { store, put, id }
}

describe("ItemStore", () => {
  it("keeps 50 items of a public host: its oldest item makes room, not one of others", () => {
    const { put, store } = makeStore()
    const other = put("80.0.0.2")
    const items = Array.from({ length: 60 }, () => put("80.0.0.1"))
    assert.isTrue(items.every(({ isStored }) => isStored))
    assert.strictEqual(store.size, 51)
    assert.isDefined(store.get(other.target, 0))
    assert.strictEqual(items.filter(({ target }) => store.get(target, 0) !== undefined).length, 50)
    assert.isUndefined(store.get(items[0]!.target, 0))
    assert.strictEqual(store.dropped, 10)
  })

  it("keeps 200 items of a public network, 500 of a private host, and any number of loopback", () => {
    const { put, store } = makeStore(10_000)
    for (let i = 0; i < 500; i++) put(`80.0.0.${i % 250}`)
    assert.strictEqual(store.size, 200)
    for (let i = 0; i < 600; i++) put("192.168.0.1")
    assert.strictEqual(store.size, 700)
    for (let i = 0; i < 600; i++) put("127.0.0.1")
    assert.strictEqual(store.size, 1_300)
  })

  it("cannot be flushed: the half nearest to our id stays, however many networks put", () => {
    const { put, store, id } = makeStore()
    const honest = Array.from({ length: 500 }, (_, i) => put(`90.${i}.0.1`).target)
    for (let i = 0; i < 20_000; i++) put(`80.${i >> 8}.${i & 255}.1`)
    assert.strictEqual(store.size, 1_000)
    const nearest = honest.sort((a, b) => compareDistance(id, a, b))
    // 20,500 items for 1,000 places: the nearest twentieth stays.
    assert.isTrue(nearest.slice(0, 15).every((target) => store.get(target, 0) !== undefined))
    const one = makeStore()
    const kept = Array.from({ length: 500 }, (_, i) => one.put(`90.${i}.0.1`).target)
    for (let i = 0; i < 20_000; i++) one.put("80.0.0.1")
    assert.isTrue(kept.every((target) => one.store.get(target, 0) !== undefined))
  })

  it("does not make an item that another host puts again a part of that host's share", () => {
    const { put, store } = makeStore()
    const { target } = put("90.0.0.1")
    put("80.0.0.1", target)
    for (let i = 0; i < 100; i++) put("80.0.0.1")
    assert.isDefined(store.get(target, 0))
  })
})
