import { assert, describe, it } from "@effect/vitest"
import { fitLines } from "../src/fitLines.ts"

const help = [
  "FLAGS",
  "  --topic string    The topic's name",
  "  --relay string    Relays in place of the public ones; none turns all off",
  "  --help, -h                                      Show help information",
].join("\n")

describe("fitLines", () => {
  it("does not change text that fits", () => {
    assert.strictEqual(fitLines(help, 80), help)
  })

  it("breaks lines between words, below where the description began or below the option", () => {
    assert.strictEqual(
      fitLines(help, 44),
      [
        "FLAGS",
        "  --topic string    The topic's name",
        "  --relay string    Relays in place of the",
        "                    public ones; none turns",
        "                    all off",
        "  --help, -h",
        "      Show help information",
      ].join("\n"),
    )
  })

  it("does not count colours", () => {
    assert.strictEqual(
      fitLines("  \u001b[32m--topic\u001b[0m    one two", 20),
      "  \u001b[32m--topic\u001b[0m    one two",
    )
  })

  it("separates a heading from what stands above it", () => {
    assert.strictEqual(fitLines("  sim   Run\nEXAMPLES\n  # One", 80), "  sim   Run\n\nEXAMPLES\n  # One")
    assert.strictEqual(fitLines("USAGE\n  x\n\nGLOBAL FLAGS\n  -h", 80), "USAGE\n  x\n\nGLOBAL FLAGS\n  -h")
  })
})
