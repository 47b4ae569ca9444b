import { assert, describe, it } from "@effect/vitest"
import { toHex } from "@topic-tracker/common/Bytes"
import { MAX_PASSED_SEQS, PASS_MS, PassedWants, type RepairMessage } from "@topic-tracker/gossip/members"
import { filled } from "./support.ts"

const streamOf = (fill: number) => filled(48, fill)

/** A node with neighbours a, b and c, of which `tellers` told of each stream. */
const setUp = (tellers: ReadonlyArray<string> | Set<string>, asksFor: ReadonlySet<number> = new Set()) => {
  let sent: Array<readonly [string, RepairMessage]> = []
  const wants = new PassedWants({
    tellersOf: () => [...tellers],
    isAskedFor: (_, seq) => asksFor.has(seq),
    send: (to, message) => sent.push([to, message]),
  })
  return {
    wants,
    pass: (asker: string, from: number, to: number, now: number, fill = 1) =>
      wants.pass({ asker, stream: streamOf(fill), from, to }, now),
    takeSent: () => {
      const taken = sent
      sent = []
      return taken
    },
  }
}

const want = (from: number, to: number): RepairMessage => ({
  _tag: "Want",
  stream: streamOf(1),
  ranges: [{ from, to }],
  parts: undefined,
})
const none = (from: number, to: number): RepairMessage => ({ _tag: "None", stream: streamOf(1), from, to })
const key = toHex(streamOf(1))

describe("PassedWants", () => {
  it("asks the last neighbour that told of the stream, other than the asker, once for all askers", () => {
    const { pass, takeSent, wants } = setUp(["a", "b", "c"])
    assert.isTrue(pass("c", 1, 4, 0))
    assert.deepStrictEqual(takeSent(), [["b", want(1, 4)]])
    assert.isTrue(pass("a", 2, 3, 10))
    assert.deepStrictEqual(takeSent(), [])
    const seqs = (first: number, last = first) => ({ from: first, to: last })
    assert.isTrue(wants.isWaitedFor(key, seqs(4)))
    assert.isFalse(wants.isWaitedFor(key, seqs(5)))
    assert.deepStrictEqual([...wants.askersOf(key, seqs(3))], ["c", "a"])
    // A batch answers for each seq that it covers.
    assert.deepStrictEqual([...wants.askersOf(key, seqs(4, 9))], ["c"])
    assert.deepStrictEqual([...wants.askersOf(key, seqs(5, 9))], [])
    // Both have an answer, so neither gets a None.
    wants.tick(10 + PASS_MS)
    assert.deepStrictEqual(takeSent(), [])
    assert.isFalse(wants.isWaitedFor(key, seqs(3)))
    assert.isUndefined(wants.deadline)
  })

  it("says None at once after that of the neighbour that was asked, and after a while without any answer", () => {
    const { pass, takeSent, wants } = setUp(["b"])
    pass("a", 1, 1, 0)
    takeSent()
    wants.none(key, { from: 1, to: 1 }, "c", 10)
    assert.deepStrictEqual(takeSent(), [])
    wants.none(key, { from: 1, to: 1 }, "b", 10)
    assert.deepStrictEqual(takeSent(), [["a", none(1, 1)]])
    pass("a", 2, 2, 100)
    takeSent()
    assert.strictEqual(wants.deadline, 100 + PASS_MS)
    wants.tick(99 + PASS_MS)
    assert.deepStrictEqual(takeSent(), [])
    wants.tick(100 + PASS_MS)
    assert.deepStrictEqual(takeSent(), [["a", none(2, 2)]])
  })

  it("asks the next one that told of the stream when the neighbour that was asked goes, and says None when there is none", () => {
    const tellers = new Set(["b", "c", "d"])
    const { pass, takeSent, wants } = setUp(tellers)
    pass("a", 1, 4, 0)
    pass("a", 2, 2, 10)
    assert.deepStrictEqual(takeSent(), [["d", want(1, 4)]])
    const leave = (peer: string, now: number) => {
      tellers.delete(peer)
      wants.neighborDown(peer, now)
    }
    leave("d", 100)
    assert.deepStrictEqual(takeSent(), [["c", want(1, 4)]])
    assert.deepStrictEqual([...wants.askersOf(key, { from: 4, to: 4 })], ["a"])
    assert.strictEqual(wants.deadline, 100 + PASS_MS)
    // The answer that came for one range may be all that is missing there; for the other one the next neighbour is asked.
    leave("c", 200)
    assert.deepStrictEqual(takeSent(), [["b", want(2, 2)]])
    leave("b", 300)
    assert.deepStrictEqual(takeSent(), [["a", none(2, 2)]])
    assert.isUndefined(wants.deadline)
  })

  it("asks the next one after a None, each once, before the asker gets a None", () => {
    const { pass, takeSent, wants } = setUp(["a", "b", "c", "d"])
    pass("c", 1, 1, 0)
    assert.deepStrictEqual(takeSent(), [["d", want(1, 1)]])
    for (const [peer, next] of [
      ["d", "b"],
      ["b", "a"],
    ] as const) {
      wants.none(key, { from: 1, to: 1 }, peer, 10)
      assert.deepStrictEqual(takeSent(), [[next, want(1, 1)]])
    }
    wants.none(key, { from: 1, to: 1 }, "a", 10)
    assert.deepStrictEqual(takeSent(), [["c", none(1, 1)]])
    assert.isUndefined(wants.deadline)
  })

  it("asks the next one for the part that a neighbour lacks, and waits for the rest of the range", () => {
    const { pass, takeSent, wants } = setUp(["b", "c"])
    pass("a", 1, 6, 0)
    assert.deepStrictEqual(takeSent(), [["c", want(1, 6)]])
    // An answer for a part of the range does not end the wait for the others.
    assert.deepStrictEqual([...wants.askersOf(key, { from: 3, to: 3 })], ["a"])
    wants.none(key, { from: 1, to: 2 }, "c", 10)
    assert.deepStrictEqual(takeSent(), [["b", want(1, 2)]])
    wants.none(key, { from: 5, to: 9 }, "c", 20)
    assert.deepStrictEqual(takeSent(), [["b", want(5, 6)]])
    // Nobody else told of it.
    wants.none(key, { from: 1, to: 1 }, "b", 30)
    assert.deepStrictEqual(takeSent(), [["a", none(1, 1)]])
    for (const seq of [2, 3, 4, 5, 6]) assert.isTrue(wants.isWaitedFor(key, { from: seq, to: seq }), `${seq}`)
    assert.isFalse(wants.isWaitedFor(key, { from: 1, to: 1 }))
    wants.tick(PASS_MS)
    assert.isFalse(wants.isWaitedFor(key, { from: 3, to: 4 }))
    wants.tick(PASS_MS + 20)
    assert.deepStrictEqual(takeSent(), [
      ["a", none(2, 2)],
      ["a", none(5, 6)],
    ])
    assert.isUndefined(wants.deadline)
  })

  it("does not wait for a neighbour that asks the same of it, as nothing would come of that", () => {
    const { pass, takeSent, wants } = setUp(["b", "c"])
    assert.isTrue(pass("a", 1, 2, 0))
    assert.deepStrictEqual(takeSent(), [["c", want(1, 2)]])
    assert.isFalse(pass("c", 1, 2, 10))
    // Both try their other ways.
    wants.none(key, { from: 1, to: 2 }, "c", 20)
    assert.deepStrictEqual(takeSent(), [["b", want(1, 2)]])
  })

  it("asks nobody for an asker that has gone", () => {
    const { pass, takeSent, wants } = setUp(new Set(["b", "c"]))
    pass("a", 1, 1, 0)
    wants.neighborDown("a", 10)
    wants.neighborDown("c", 20)
    assert.deepStrictEqual(takeSent(), [["c", want(1, 1)]])
  })

  it("ends all that waited for a part of what the neighbour has not", () => {
    const { pass, takeSent, wants } = setUp(["b"])
    pass("a", 1, 4, 0)
    pass("c", 2, 3, 0)
    takeSent()
    wants.none(key, { from: 1, to: 4 }, "b", 10)
    assert.deepStrictEqual(takeSent(), [
      ["a", none(1, 4)],
      ["c", none(2, 3)],
    ])
  })

  it("waits for what the node itself asks for, and passes nothing on that nobody else told of", () => {
    const ours = setUp([], new Set([7]))
    assert.isTrue(ours.pass("a", 7, 7, 0))
    assert.isFalse(ours.pass("a", 8, 8, 0))
    assert.isFalse(setUp(["a"]).pass("a", 1, 1, 0))
    assert.deepStrictEqual(ours.takeSent(), [])
  })

  it("passes on what failed again after 800 ms only, so that no Want goes in circles", () => {
    const { pass, takeSent, wants } = setUp(["b"])
    pass("a", 1, 1, 0)
    wants.none(key, { from: 1, to: 1 }, "b", 10)
    takeSent()
    assert.isFalse(pass("a", 1, 1, 799))
    assert.isTrue(pass("a", 1, 1, 800))
  })

  it("is bounded: 16 a second, 32 messages a range, 64 ranges of one neighbour", () => {
    const { pass, wants } = setUp(["b"])
    assert.isFalse(pass("a", 1, MAX_PASSED_SEQS + 1, 0))
    let passed = 0
    for (let i = 0; i < 32; i++) if (pass("a", 1, MAX_PASSED_SEQS, 0, i)) passed++
    assert.strictEqual(passed, 16)
    // A second one waits for those that are on their way, and costs no further Want.
    for (let i = 0; i < 16; i++) for (let more = 0; more < 4; more++) pass("c", 1, 1, 0, i)
    assert.isFalse(pass("c", 1, 1, 0, 0))
    wants.neighborDown("c", 0)
    assert.isTrue(pass("c", 1, 1, 0, 0))
  })
})
