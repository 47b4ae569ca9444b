import { assert, describe, it } from "@effect/vitest"
import { EndpointId } from "@topic-tracker/crypto"
import { AddressBook } from "../../src/address/AddressBook.ts"

const peer = (n: number) => EndpointId.fromBytes(new Uint8Array(32).fill(n))
const address = (n: number) => ({ relayUrl: undefined, direct: [`93.184.216.${n}:1`] })
const micros = (millis: number) => BigInt(millis) * 1000n

const book = () => new AddressBook({ learnedFor: 1000, foundFor: 100, capacity: 3 })

describe("AddressBook", () => {
  it("gives the newer address first, by the time of learning or of the peer's publication", () => {
    const known = book()
    known.addLearned(peer(1), address(1), 500)
    known.addFound(peer(1), address(2), micros(400), 510)
    assert.deepStrictEqual(known.addressesOf(peer(1), 510), [address(1), address(2)])
    known.addFound(peer(1), address(3), micros(505), 520)
    assert.deepStrictEqual(known.addressesOf(peer(1), 520), [address(3), address(1)])
  })

  it("does not trust a clock that is ahead", () => {
    const known = book()
    known.addFound(peer(1), address(2), micros(9_000_000), 500)
    known.addLearned(peer(1), address(1), 501)
    assert.deepStrictEqual(known.addressesOf(peer(1), 501), [address(1), address(2)])
  })

  it("keeps the item of the highest seq", () => {
    const known = book()
    assert.deepStrictEqual(known.addFound(peer(1), address(1), 5n, 0), address(1))
    assert.deepStrictEqual(known.addFound(peer(1), address(2), 4n, 1), address(1))
    assert.deepStrictEqual(known.addFound(peer(1), address(2), 5n, 1), address(1))
    assert.deepStrictEqual(known.addFound(peer(1), address(3), 6n, 2), address(3))
    assert.deepStrictEqual(known.addressesOf(peer(1), 2), [address(3)])
  })

  it("forgets an old entry; an item that is read again counts as new", () => {
    const known = book()
    known.addLearned(peer(1), address(1), 0)
    known.addFound(peer(1), address(2), 5n, 0)
    known.addFound(peer(1), address(2), 5n, 50)
    assert.isTrue(known.hasFreshAnswer(peer(1), 149))
    assert.isFalse(known.hasFreshAnswer(peer(1), 150))
    assert.deepStrictEqual(known.addressesOf(peer(1), 999), [address(1)])
    assert.deepStrictEqual(known.addressesOf(peer(1), 1000), [])
  })

  it("uses no entry from a future time: the clock was set back", () => {
    const known = book()
    known.addLearned(peer(1), address(1), 3_600_000)
    known.addFound(peer(1), address(2), 5n, 3_600_000)
    assert.isFalse(known.hasFreshAnswer(peer(1), 0))
    assert.deepStrictEqual(known.addressesOf(peer(1), 0), [])
    known.addFound(peer(1), address(2), 5n, 0)
    assert.deepStrictEqual(known.addressesOf(peer(1), 1), [address(2)])
  })

  it("stays within its capacity, and drops the oldest entry", () => {
    const known = book()
    for (const n of [1, 2, 3]) known.addLearned(peer(n), address(n), n)
    known.addLearned(peer(1), address(1), 4)
    known.addFound(peer(4), address(4), 1n, 5)
    assert.strictEqual(known.size, 3)
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((n) => known.addressesOf(peer(n), 5).length),
      [1, 0, 1, 1],
    )
  })
})
