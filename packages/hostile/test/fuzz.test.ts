import { assert, describe, it } from "@effect/vitest"
import { readCorpus } from "../src/fuzz/corpus.ts"
import type { Decoder } from "../src/fuzz/Decoder.ts"
import { decoders } from "../src/fuzz/decoders.ts"
import { fuzzDecoder } from "../src/fuzz/fuzzDecoder.ts"

const CASES = 20_000

describe("every decoder of bytes from the network", () => {
  for (const decoder of decoders) {
    it(`${decoder.name} neither throws nor hangs, and keeps values in a round trip`, () => {
      const corpus = readCorpus(decoder.name)
      assert.isAbove(corpus.length, 0, "it has a saved corpus")
      const result = fuzzDecoder(decoder, { cases: CASES, seed: 28, corpus })
      assert.deepStrictEqual(result.findings, [])
      // Fuzzing that only ever refuses, or only ever accepts, tests little.
      assert.isAbove(result.values, result.cases / 100)
    })
  }
})

describe("the fuzzer", () => {
  const broken = (decode: Decoder["decode"]): Decoder => ({
    name: "broken",
    about: "",
    generate: (rng) => Uint8Array.of(1, rng.nextInt(256)),
    decode,
  })
  const findings = (decode: Decoder["decode"]) =>
    fuzzDecoder(broken(decode), { cases: 2_000, seed: 1, corpus: [] }).findings.map(({ what }) => what)

  it("finds an exception", () => {
    const found = findings((bytes) => {
      if (bytes[0] === 0) throw new RangeError("a zero")
      return { _tag: "value", kind: "" }
    })
    assert.include(found, "throws RangeError: a zero")
  })

  it("finds a valid input that is refused", () => {
    assert.include(
      findings(() => ({ _tag: "refused", kind: "no" })),
      "valid input refused: no",
    )
  })

  it("finds a round trip that changes the value", () => {
    assert.include(
      findings(() => ({ _tag: "value", kind: "", again: () => "not the same" })),
      "not the same",
    )
  })

  it("finds a decoder that changes its input", () => {
    const found = findings((bytes) => {
      bytes[0] = 9
      return { _tag: "value", kind: "" }
    })
    assert.include(found, "changes its input")
  })

  it("makes the same inputs from the same seed", () => {
    const inputs = (seed: number) => {
      const seen: Array<string> = []
      const decoder = broken((bytes) => {
        seen.push(Buffer.from(bytes).toString("hex"))
        return { _tag: "value", kind: String(bytes.length) }
      })
      fuzzDecoder(decoder, { cases: 200, seed, corpus: [] })
      return seen
    }
    assert.deepStrictEqual(inputs(5), inputs(5))
    assert.notDeepEqual(inputs(5), inputs(6))
  })
})
