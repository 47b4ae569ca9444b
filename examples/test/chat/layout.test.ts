import { assert, describe, it } from "@effect/vitest"
import { width, wrap } from "../../src/chat/layout.ts"

describe("layout", () => {
  it("keeps a short text unchanged on one line", () => {
    assert.strictEqual(wrap("bo › ", "good  morning", 60), "bo › good  morning")
    assert.strictEqual(wrap("bo › ", "1234567", 12), "bo › 1234567")
  })

  it("breaks lines between words and indents them to the start of the text", () => {
    assert.strictEqual(wrap("bo › ", "one two three four", 13), "bo › one two\n     three\n     four")
  })

  it("breaks a word that is longer than a line, and indents less after a long name", () => {
    assert.strictEqual(wrap("bo › ", "123456789", 10), "bo › 12345\n     6789")
    assert.strictEqual(wrap("a very long name › ", "one two", 24), "a very long name › one\n  two")
  })

  it("counts no columns for colours and accents, and two for wide characters", () => {
    assert.strictEqual(width("\u001b[36mbo\u001b[39m"), 2)
    assert.strictEqual(width("日本 ok"), 7)
    assert.strictEqual(width("e\u0301"), 1)
    for (const line of wrap("\u001b[36mbo\u001b[39m › ", "日本語".repeat(30), 60).split("\n")) {
      assert.isAtMost(width(line), 60)
    }
  })
})
