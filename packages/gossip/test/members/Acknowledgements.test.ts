import { assert, describe, it } from "@effect/vitest"
import { Acknowledgements, answerOf, readAnswer, wantedExtension } from "@topic-tracker/gossip/members"

const STREAM = "ab".repeat(48)
const AUTHOR = { id: "author", isNeighbor: true }
const make = () => new Acknowledgements(() => 0.5)

describe("Acknowledgements", () => {
  it("are broadcast when the line closes on which they went to the author, as they may be lost there", () => {
    const answers = make()
    const plan = (seq: number, wanted: number, now: number) =>
      answers.plan(STREAM, seq, AUTHOR, wanted === 0 ? undefined : wantedExtension(wanted), now)
    assert.deepStrictEqual(plan(1, 20, 0), { _tag: "Seen" })
    assert.deepStrictEqual(plan(2, 20, 1), { _tag: "Seen" })
    // The author waits for neighbours only.
    assert.deepStrictEqual(plan(3, 0, 2), { _tag: "Seen" })
    assert.deepStrictEqual(answers.unsure("another", 100), [])
    const unsure = answers.unsure("author", 5_000)
    assert.strictEqual(unsure.length, 1)
    const [answer] = unsure
    assert.strictEqual(answer!.ms, 100)
    assert.deepStrictEqual(readAnswer(answerOf(answer!)), { stream: STREAM, seq: 2 })
    assert.isTrue(answers.isDue(answer!, 5_100))
    // Once.
    assert.deepStrictEqual(answers.unsure("author", 5_000), [])
  })

  it("are not broadcast when enough others have answered, which also counts while the line is there", () => {
    const answers = make()
    answers.plan(STREAM, 2 ** 40, AUTHOR, wantedExtension(2), 0)
    answers.note(STREAM, 2 ** 40, "b")
    const [answer] = answers.unsure("author", 10)
    assert.deepStrictEqual(readAnswer(answerOf(answer!)), { stream: STREAM, seq: 2 ** 40 })
    answers.note(STREAM, 2 ** 40, "c")
    assert.isFalse(answers.isDue(answer!, 110))
  })

  it("of a member that is no neighbour are broadcast after a time, each message once", () => {
    const answers = make()
    const far = { id: "author", isNeighbor: false }
    const plan = answers.plan(STREAM, 7, far, wantedExtension(3), 0)
    assert.strictEqual(plan?._tag, "After")
    assert.isUndefined(answers.plan(STREAM, 7, far, wantedExtension(3), 10))
    assert.isUndefined(answers.plan(STREAM, 8, far, undefined, 10))
  })
})
