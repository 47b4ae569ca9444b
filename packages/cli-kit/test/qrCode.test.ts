import { stripVTControlCharacters } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import decodeQR from "qr/decode.js"
import { qrCode } from "../src/qrCode.ts"

/** Reads a drawn code as a scanner does: each half of a character is a square of pixels. */
const scan = (lines: ReadonlyArray<string>, ink: "dark" | "light"): string => {
  const SCALE = 4
  const rows = lines.flatMap((line) => {
    const characters = [...stripVTControlCharacters(line)]
    return [
      characters.map((character) => "█▀".includes(character)),
      characters.map((character) => "█▄".includes(character)),
    ]
  })
  const width = (rows[0]?.length ?? 0) * SCALE
  const height = rows.length * SCALE
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isInk = rows[Math.floor(y / SCALE)]?.[Math.floor(x / SCALE)] ?? false
      data.fill(isInk === (ink === "light") ? 255 : 0, (y * width + x) * 3, (y * width + x + 1) * 3)
    }
  }
  return decodeQR({ width, height, data })
}

const INVITATION = `TT1${"YBNDRFG8EJKMCPQXOT1UWISZA345H769".repeat(3)}`

describe("qrCode", () => {
  for (const length of [99, 20, 700]) {
    const text = INVITATION.padEnd(length, INVITATION).slice(0, length)

    it(`${length} characters: a scanner reads what was drawn, black on white`, () => {
      const lines = qrCode(text, { colours: true })
      assert.strictEqual(scan(lines, "dark"), text)
      for (const line of lines) {
        assert.isTrue(line.startsWith("\u001b[38;5;16;48;5;231m") && line.endsWith("\u001b[0m"), line)
        assert.match(stripVTControlCharacters(line), /^[█▀▄ ]+$/)
      }
    })

    it(`${length} characters: and without colours, light on a dark terminal`, () => {
      const lines = qrCode(text, { colours: false })
      assert.strictEqual(scan(lines, "light"), text)
      for (const line of lines) assert.match(line, /^[█▀▄ ]+$/)
    })
  }

  it("takes 37 columns for an invitation of 99 characters, and 81 for the longest", () => {
    assert.strictEqual(qrCode(INVITATION, { colours: false })[0]?.length, 37)
    assert.strictEqual(qrCode(INVITATION.repeat(8).slice(0, 700), { colours: false })[0]?.length, 81)
  })
})
