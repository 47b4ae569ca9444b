/** The bytes of the messages, against the vectors of PROTOCOL.md, and bytes that mean nothing. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { fromHex, toHex } from "@topic-tracker/common/Bytes"
import { decodeLog, encodeLog } from "../src/storage/pieceLog.ts"
import { PieceMap } from "../src/swarm/PieceMap.ts"
import { PieceMaker } from "../src/tree/PieceRow.ts"
import { PIECE_BYTES } from "../src/tree/pieces.ts"
import { FrameReader } from "../src/wire/FrameReader.ts"
import { decode, encode, encodeHaves, type Message } from "../src/wire/messages.ts"
import { contentOf } from "./world.ts"

const vectors: {
  readonly messages: ReadonlyArray<{ readonly message: Readonly<Record<string, unknown>>; readonly hex: string }>
  readonly contents: ReadonlyArray<{
    readonly size: number
    readonly hash: string
    readonly values: string
    readonly proof: string
  }>
} = JSON.parse(readFileSync(new URL("vectors/share.json", import.meta.url), "utf8"))

/** Bytes are hex in the file. */
const fromJson = (message: Readonly<Record<string, unknown>>): Message => {
  const bytes = ["hash", "proof", "values", "bits", "bytes"]
  const fields = Object.entries(message).map(([name, value]) => [
    name,
    bytes.includes(name) && typeof value === "string" ? fromHex(value) : value === null ? undefined : value,
  ])
  return Object.fromEntries(fields) as Message
}

describe("messages", () => {
  for (const { hex, message } of vectors.messages) {
    it(`${message._tag}: are the bytes of the vector, in both directions`, () => {
      assert.strictEqual(toHex(encode(fromJson(message))), hex)
      assert.deepStrictEqual(new FrameReader(1_000).push(fromHex(hex)), [fromJson(message)])
    })
  }

  it("come in any portions", () => {
    const all = vectors.messages.map(({ message }) => fromJson(message))
    const bytes = new Uint8Array(Buffer.concat(all.map(encode)))
    for (const step of [1, 2, 3, 7, 64]) {
      const reader = new FrameReader(1_000)
      const got: Array<Message> = []
      for (let at = 0; at < bytes.length; at += step) got.push(...reader.push(bytes.subarray(at, at + step))!)
      assert.deepStrictEqual(got, all)
    }
  })

  it("that mean nothing are refused, without an exception and without room for them", () => {
    let state = 7
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    let right = 0
    for (let i = 0; i < 20_000; i++) {
      const body = Uint8Array.from({ length: next(70) }, () => next(256))
      const kind = next(16)
      decode(kind, body)
      const frame = Uint8Array.of(0, 0, 0, body.length + 1, kind, ...body)
      if (new FrameReader(100).push(frame) !== undefined) right++
    }
    assert.isAbove(right, 2_000)
    for (const [kind, length] of [
      [10, PIECE_BYTES + 6],
      [1, 35],
      [7, 100],
      [99, 1],
      [9, 0],
    ] as const) {
      const head = new Uint8Array(5)
      new DataView(head.buffer).setUint32(0, length)
      head[4] = kind
      assert.isUndefined(new FrameReader(100).push(head), `kind ${kind}, length ${length}`)
    }
  })

  it("of many pieces are several", () => {
    const pieces = Array.from({ length: 2_500 }, (_, i) => i)
    const messages = encodeHaves(pieces).flatMap((bytes) => new FrameReader(10_000).push(bytes)!)
    assert.deepStrictEqual(
      messages.flatMap((message) => (message._tag === "Have" ? message.pieces : [])),
      pieces,
    )
  })
})

describe("contents", () => {
  for (const { hash, proof, size, values } of vectors.contents) {
    it(`of ${size} bytes have the hash, the values and the proof of the vector`, () => {
      const maker = new PieceMaker()
      maker.push(Uint8Array.from({ length: size }, (_, i) => i % 251))
      const { row } = maker.end()
      assert.deepStrictEqual([row.hash, toHex(row.values), toHex(row.proof)], [hash, values, proof])
    })
  }
})

describe("a map of pieces", () => {
  it("has the first piece in the highest bit, and nothing behind the last", () => {
    const map = new PieceMap(10)
    map.add(0)
    map.add(9)
    assert.strictEqual(toHex(map.bytes), "8040")
    assert.isTrue(PieceMap.isMap(map.bytes, 10))
    assert.isFalse(PieceMap.isMap(map.bytes, 9))
    assert.isFalse(PieceMap.isMap(map.bytes, 17))
    assert.deepStrictEqual([map.size, map.isFull, PieceMap.full(10).isFull], [2, false, true])
  })
})

describe("the file beside a partial content", () => {
  const maker = new PieceMaker()
  maker.push(contentOf(3 * PIECE_BYTES + 5))
  const { row } = maker.end()
  const bytes = encodeLog({ row, name: "näme", pieces: [2, 0, 2] })

  it("says what it said, and a cut last entry is left out", () => {
    assert.deepInclude(decodeLog(bytes), { name: "näme", pieces: [2, 0] })
    assert.strictEqual(decodeLog(bytes)?.row.hash, row.hash)
    for (let cut = 1; cut < 4; cut++)
      assert.deepInclude(decodeLog(bytes.subarray(0, bytes.length - cut)), { pieces: [2, 0] })
  })

  it("is nothing when its head was changed anywhere, or cut", () => {
    const head = bytes.length - 12
    for (let at = 0; at < head; at += 3) {
      // A name is not protected.
      if (at === 46 || (at > 46 && at < 52)) continue
      const changed = bytes.slice()
      changed[at]! ^= 4
      assert.isUndefined(decodeLog(changed), `byte ${at}`)
      assert.isUndefined(decodeLog(bytes.subarray(0, at)), `${at} bytes`)
    }
  })
})
