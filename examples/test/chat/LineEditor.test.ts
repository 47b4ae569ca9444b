import { assert, describe, it } from "@effect/vitest"
import { Option, type Terminal } from "effect"
import * as LineEditor from "../../src/chat/LineEditor.ts"

const typed = (text: string): Terminal.UserInput => ({
  input: Option.some(text),
  key: { name: text, ctrl: false, meta: false, shift: false },
})

const key = (name: string, ctrl = false): Terminal.UserInput => ({
  input: Option.none(),
  key: { name, ctrl, meta: false, shift: false },
})

/** Types the characters one by one; `<name>` is a key and `<^x>` a key with Ctrl. */
const type = (line: LineEditor.LineEditor, keys: string): LineEditor.LineEditor =>
  (keys.match(/<\^?\w+>|./gsu) ?? []).reduce((state, one) => {
    const [, ctrl, name] = /^<(\^?)(\w+)>$/.exec(one) ?? []
    return LineEditor.press(state, name === undefined ? typed(one) : key(name, ctrl === "^"))
  }, line)

const after = (keys: string): string => {
  const { before, after } = type(LineEditor.empty, keys)
  return `${before}|${after}`
}

describe("LineEditor", () => {
  for (const [keys, expected] of [
    ["hello", "hello|"],
    ["hllo<left><left><left>e", "he|llo"],
    ["hello<home><delete>j<end>!", "jello!|"],
    ["one two three<^w><^w>", "one |"],
    ["gone<^u>here", "here|"],
    ["abc<^a><right><^d>", "a|c"],
    ["<left><backspace><delete><right><up><down><f1><escape>", "|"],
  ] as const) {
    it(`${keys} gives ${expected}`, () => assert.strictEqual(after(keys), expected))
  }

  it("moves and deletes by visible characters", () => {
    const family = LineEditor.press(LineEditor.empty, typed("a👩‍👩‍👧"))
    assert.strictEqual(LineEditor.text(LineEditor.press(family, key("backspace"))), "a")
    assert.strictEqual(LineEditor.press(family, key("left")).after, "👩‍👩‍👧")
  })

  it("ignores control characters", () => {
    assert.strictEqual(LineEditor.text(LineEditor.press(LineEditor.empty, typed("\u001b"))), "")
  })

  it("recalls earlier lines with Up and Down, without empty ones", () => {
    const twice = ["one", " ", "two"].reduce((line, text) => LineEditor.entered(type(line, text)), LineEditor.empty)
    assert.strictEqual(LineEditor.text(twice), "")
    assert.strictEqual(LineEditor.text(type(twice, "<up>")), "two")
    assert.strictEqual(LineEditor.text(type(twice, "<up><up><up>")), "one")
    assert.strictEqual(LineEditor.text(type(twice, "<up><up><down>!")), "two!")
    assert.strictEqual(LineEditor.text(type(twice, "<up><down>")), "")
  })

  it("gives a view around the cursor that always fits", () => {
    assert.deepStrictEqual(LineEditor.view(type(LineEditor.empty, "short"), 10), { shown: "short", cursor: 5 })
    assert.deepStrictEqual(LineEditor.view(type(LineEditor.empty, "0123456789"), 10), { shown: "…23456789", cursor: 9 })
    const middle = type(LineEditor.empty, `0123456789${"<left>".repeat(8)}`)
    assert.deepStrictEqual(LineEditor.view(middle, 6), { shown: "01234", cursor: 2 })
    assert.deepStrictEqual(LineEditor.view(type(LineEditor.empty, "日本語"), 6), { shown: "…本語", cursor: 5 })
  })
})
