/** The choice of pieces to ask and to offer, and of peers: the plain parts, with time as a number. */
import { assert, describe, it } from "@effect/vitest"
import { EndpointId } from "@topic-tracker/crypto"
import { Candidates } from "../src/swarm/Candidates.ts"
import { Download, MAX_ASKED } from "../src/swarm/Download.ts"
import { Offers } from "../src/swarm/Offers.ts"
import { PieceMap } from "../src/swarm/PieceMap.ts"

const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) / 2 ** 24
  }
}

const allOf = (download: Download<string>, key: string, now: number) => {
  const asked: Array<number> = []
  for (let piece = download.next(key, now); piece !== undefined; piece = download.next(key, now)) asked.push(piece)
  return asked
}

const downloadOf = (count: number, has: Readonly<Record<string, ReadonlyArray<number>>>, seed = 1) => {
  const download = new Download<string>(new PieceMap(count), randomOf(seed))
  for (const [key, pieces] of Object.entries(has)) {
    download.addPeer(key)
    for (const piece of pieces) download.peerHas(key, piece)
  }
  return download
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("a download", () => {
  it("asks for the rarest pieces first, for each of one peer only, and for so many at a time", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const download = downloadOf(40, { a: upTo(40), b: upTo(38), c: upTo(38) }, seed)
      const asked = allOf(download, "a", 0)
      assert.strictEqual(asked.length, MAX_ASKED)
      assert.sameMembers(asked.slice(0, 2), [38, 39])
      const others = [...allOf(download, "b", 0), ...allOf(download, "c", 0)]
      assert.strictEqual(new Set([...asked, ...others]).size, 3 * MAX_ASKED)
    }
  })

  it("asks a second peer when the answer is late, and at the end, but no third", () => {
    const download = downloadOf(20, { a: [0, 1], b: [0, 1], c: [0, 1] })
    assert.deepStrictEqual(allOf(download, "a", 0).sort(), [0, 1])
    assert.deepStrictEqual(allOf(download, "b", 2_999), [])
    assert.deepStrictEqual(allOf(download, "b", 3_000).sort(), [0, 1])
    assert.deepStrictEqual(allOf(download, "c", 9_000), [])
    assert.sameMembers([...download.got("a", 0, 9_000)], ["a", "b"])
    assert.deepStrictEqual([...download.got("a", 0, 9_000)], [])
    const small = downloadOf(8, { a: [0], b: [0] })
    assert.deepStrictEqual([allOf(small, "a", 0), allOf(small, "b", 0)], [[0], [0]])
  })

  it("waits longer for peers that are slow as a rule", () => {
    const download = downloadOf(40, { a: upTo(40), b: upTo(40) })
    const [first] = allOf(download, "a", 0)
    download.got("a", first!, 10_000)
    const asked = allOf(download, "a", 10_000)
    const stillOpen = allOf(download, "b", 10_000)
    for (const piece of stillOpen) download.gaveUp("b", piece)
    assert.deepStrictEqual(download.overdue(60_000).length, 0)
    assert.isAbove(download.overdue(10_000 + 12 * 10_000).length, 0)
    assert.strictEqual(asked.length, 1)
  })

  it("gives pieces back when a peer leaves or refuses, and does not ask it again at once", () => {
    const download = downloadOf(20, { a: [3], b: [3] })
    assert.deepStrictEqual(allOf(download, "a", 0), [3])
    download.refused("a", 3, 0)
    assert.deepStrictEqual(allOf(download, "a", 1_999), [])
    assert.deepStrictEqual(allOf(download, "b", 1_999), [3])
    download.removePeer("b")
    assert.deepStrictEqual(allOf(download, "a", 2_000), [3])
    assert.strictEqual(download.providers, 1)
  })
})

describe("a source", () => {
  it("offers each piece to one peer until it has offered all", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const offers = new Offers<number>(60, randomOf(seed))
      for (let peer = 0; peer < 20; peer++) offers.addPeer(peer, 0)
      const offered: Array<number> = []
      for (let now = 0; offered.length < 60; now += 100) {
        for (let peer = 0; peer < 20; peer++) {
          for (const piece of offers.next(peer, now)) {
            offered.push(piece)
            assert.isTrue(offers.isTold(peer, piece))
            offers.sent(piece)
            offers.peerHas(peer, piece, now)
          }
        }
        assert.isBelow(now, 10_000)
      }
      assert.strictEqual(new Set(offered).size, 60)
      // The others have it from each other: nothing more for a peer that goes on.
      for (let peer = 0; peer < 20; peer++) assert.deepStrictEqual(offers.next(peer, 4_000), [])
    }
  })

  it("gives a hungry peer up to three copies, a starved one any, and a piece that nobody has at once", () => {
    const offers = new Offers<string>(4, randomOf(1))
    for (const peer of ["a", "b", "c", "d"]) offers.addPeer(peer, 0)
    const take = (peer: string, now: number) => {
      const pieces = offers.next(peer, now)
      for (const piece of pieces) {
        offers.sent(piece)
        offers.peerHas(peer, piece, now)
      }
      return pieces.length
    }
    assert.deepStrictEqual([take("a", 0), take("b", 0)], [4, 0])
    assert.strictEqual(take("b", 4_999), 0)
    assert.deepStrictEqual([take("b", 5_000), take("c", 5_000)], [4, 4])
    assert.deepStrictEqual([take("d", 29_999), take("d", 30_000)], [0, 4])
    offers.addPeer("e", 30_000)
    for (const peer of ["a", "b", "c", "d"]) offers.removePeer(peer)
    assert.strictEqual(take("e", 30_000), 4)
  })

  it("gives all it has when there are three peers or fewer", () => {
    const offers = new Offers<string>(4, randomOf(1))
    for (const peer of ["a", "b", "c"]) offers.addPeer(peer, 0)
    for (const peer of ["a", "b", "c"]) assert.strictEqual(offers.next(peer, 0).length, 4)
  })
})

describe("candidates", () => {
  it("are asked at once, then later and later, and only if they are of use", () => {
    const ids = upTo(600).map((i) => EndpointId.fromBytes(new Uint8Array(32).fill(i >> 8).fill(i & 0xff, 1)))
    const self = ids[599]!
    const candidates = new Candidates(self)
    candidates.add([self, ...ids.slice(0, 3)], 0)
    assert.deepStrictEqual(
      candidates.take(2, 0, () => true),
      ids.slice(0, 2),
    )
    assert.deepStrictEqual(
      candidates.take(2, 0, (id) => id !== ids[2]),
      [],
    )
    const times: Array<number> = []
    for (let now = 0; now < 120_000; now += 500)
      if (candidates.take(9, now, (id) => id === ids[0]).length > 0) times.push(now)
    assert.deepStrictEqual(times, [2_000, 6_000, 14_000, 30_000, 60_000, 90_000])
    candidates.add(ids, 0)
    const due = candidates.take(1_000, 1e9, () => true)
    assert.strictEqual(due.length, 512)
    assert.notInclude(due, self)
  })
})
