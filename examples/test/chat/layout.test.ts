import { assert, describe, it } from "@effect/vitest"
import { width, wrap } from "../../src/chat/layout.ts"

describe("layout", () => {
  it("a short text stays on its line, and nothing is added to it", () => {
    assert.strictEqual(wrap("bo › ", "good  morning", 60), "bo › good  morning")
    assert.strictEqual(wrap("bo › ", "1234567", 12), "bo › 1234567")
  })

  it("words stay whole, and what follows is indented to where the text began", () => {
    assert.strictEqual(wrap("bo › ", "one two three four", 13), "bo › one two\n     three\n     four")
  })

  it("a word longer than a line is broken, and a long name leaves the text its room", () => {
    assert.strictEqual(wrap("bo › ", "123456789", 10), "bo › 12345\n     6789")
    assert.strictEqual(wrap("a very long name › ", "one two", 24), "a very long name › one\n  two")
  })

  it("colours take no columns, wide characters two, accents none", () => {
    assert.strictEqual(width("\u001b[36mbo\u001b[39m"), 2)
    assert.strictEqual(width("日本 ok"), 7)
    assert.strictEqual(width("e\u0301"), 1)
    for (const line of wrap("\u001b[36mbo\u001b[39m › ", "日本語".repeat(30), 60).split("\n")) {
      assert.isAtMost(width(line), 60)
    }
  })
})
