import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Arbitrary, Result, Schema } from "effect"
import { isEndpointKey } from "../../src/protocol/codec/endpointKey.ts"
import { makeMessageDecoder } from "../../src/protocol/codec/message.ts"
import * as Protocol from "../../src/protocol/index.ts"
import { byteArrays, messages } from "./arbitraries.ts"

const max = 4_096

/** Pushes the stream in pieces that are cut at these positions. Returns the frames. */
const decode = (stream: Uint8Array, cuts: ReadonlyArray<number> = [], maxMessageSize = max) => {
  const decoder = new Protocol.FrameDecoder(maxMessageSize)
  const frames: Array<string> = []
  let failure: Protocol.TooLong | undefined
  const positions = [...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
  let start = 0
  for (const end of positions) {
    // A copy that is overwritten afterwards: the decoder must not keep a view of a chunk.
    const chunk = stream.slice(start, end)
    failure = decoder.push(chunk, (frame) => frames.push(Bytes.toHex(frame)))
    chunk.fill(0xee)
    start = end
  }
  return { frames, failure, atBoundary: decoder.atBoundary }
}

const frame = (...bodies: ReadonlyArray<Uint8Array>): Uint8Array =>
  Bytes.concat(...bodies.flatMap((body) => [Uint8Array.of(0, 0, body.length >> 8, body.length & 255), body]))

describe("messages", () => {
  it.prop("are equal after encoding and decoding", [messages], ([message]) => {
    assert.deepStrictEqual(Protocol.decodeMessage(Protocol.encodeMessage(message)), Result.succeed(message))
  })

  it.prop("that are incomplete are refused, without an exception", [messages, byteArrays(2)], ([message, tail]) => {
    const bytes = Protocol.encodeMessage(message)
    for (let length = 0; length < bytes.length; length++) {
      assert.isTrue(Result.isFailure(Protocol.decodeMessage(bytes.subarray(0, length))), `${length} of ${bytes.length}`)
    }
    assert.deepStrictEqual(Protocol.decodeMessage(Bytes.concat(bytes, tail)), Result.succeed(message))
  })

  it.prop(
    "of any bytes are read or refused, never an exception",
    [byteArrays(80)],
    ([bytes]) => {
      const decoded = Protocol.decodeMessage(bytes)
      if (Result.isFailure(decoded)) assert.strictEqual(decoded.failure._tag, "PostcardDecodeError")
    },
    { arbitrary: { runs: 2_000 } },
  )

  it("with unknown variants are refused with the variant in the message", () => {
    const failure = (hex: string) => {
      const decoded = Protocol.decodeMessage(Bytes.fromHex(hex))
      return Result.isFailure(decoded) ? decoded.failure.message : decoded.success._tag
    }
    assert.strictEqual(failure("02"), "at byte 1: variant 2; must be below 2")
    assert.strictEqual(failure("0006"), "at byte 2: variant 6; must be below 6")
    assert.strictEqual(failure("0104"), "at byte 2: variant 4; must be below 4")
    assert.strictEqual(failure("00050200"), "at byte 3: a bool of 2; must be 0 or 1")
    assert.match(failure("0103ffffffffffff7f"), /a length of \d+ needs at least/)
  })

  it("may name a peer by bytes that are no key: whether they are is checked when the name is used", () => {
    const noKey = `02${"00".repeat(31)}`
    const decoded = Protocol.decodeMessage(Bytes.fromHex(`000301${noKey}00`))
    assert.deepStrictEqual(decoded, Result.succeed(shuffleReply([noKey])))
    assert.deepStrictEqual([isEndpointKey(noKey), isEndpointKey(`58${"66".repeat(31)}`)], [false, true])
  })

  it("keep the first eight of the peers that they name, or as many as the parameters have", () => {
    const names = Array.from({ length: 100 }, (_, i) => i.toString(16).padStart(64, "0"))
    const bytes = Protocol.encodeMessage(shuffleReply(names, Uint8Array.of(7)))
    assert.deepStrictEqual(
      Protocol.decodeMessage(bytes),
      Result.succeed(shuffleReply(names.slice(0, 8), Uint8Array.of(7))),
    )
    const membership = { ...Protocol.defaultConfig.membership, shufflePassiveViewCount: 20 }
    assert.deepStrictEqual(
      makeMessageDecoder(membership)(bytes),
      Result.succeed(shuffleReply(names.slice(0, 24), Uint8Array.of(7))),
    )
    for (const length of [bytes.length - 1, bytes.length - 20, 300]) {
      assert.isTrue(Result.isFailure(Protocol.decodeMessage(bytes.subarray(0, length))), `${length} bytes`)
    }
    bytes[bytes.length - 3] = 2
    assert.isTrue(Result.isFailure(Protocol.decodeMessage(bytes)), "an option tag of 2")
  })

  it("hold content of maxContentBytes, at every hop", () => {
    for (const maxMessageSize of [166, 167, 168, 512, 1_000, max, 16_423, 16_424, 16_425, 16_426, 65_536]) {
      const content = new Uint8Array(Protocol.maxContentBytes(maxMessageSize))
      const id = Protocol.MessageId.ofContent(content)
      const size = (content: Uint8Array) =>
        Protocol.encodeMessage({ _tag: "Gossip", id, content, scope: { _tag: "Swarm", round: 0xffff } }).length
      assert.isBelow(size(content), maxMessageSize)
      assert.isAtLeast(size(new Uint8Array(content.length + 1)), maxMessageSize)
    }
  })
})

/** An answer to a Shuffle that names these peers. */
const shuffleReply = (names: ReadonlyArray<string>, data?: Uint8Array): Protocol.Message => ({
  _tag: "ShuffleReply",
  nodes: names.map((id) => ({ id: Schema.decodeSync(EndpointId.EndpointId)(id), data })),
})

describe("frames", () => {
  const bodies = Arbitrary.array(byteArrays(600), { maxLength: 12 })
  const cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })))

  it.prop("are read whole and in order, wherever the stream is cut", [bodies, cuts], ([bodies, cuts]) => {
    assert.deepStrictEqual(decode(frame(...bodies), cuts), {
      frames: bodies.map(Bytes.toHex),
      failure: undefined,
      atBoundary: true,
    })
  })

  it.prop(
    "of any bytes give frames within the limit or a TooLong, however they are cut",
    [byteArrays(400), cuts],
    ([bytes, cuts]) => {
      // Small first bytes, so that lengths are plausible often enough.
      for (let i = 0; i < bytes.length; i += 7) bytes[i] = 0
      const whole = decode(bytes, [], 40)
      const pieces = decode(bytes, cuts, 40)
      assert.deepStrictEqual(pieces, whole)
      for (const frame of whole.frames) assert.isAtMost(frame.length, 80)
    },
    { arbitrary: { runs: 1_000 } },
  )

  it("are the same one byte at a time", () => {
    const stream = frame(Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4))
    const every = Array.from({ length: stream.length }, (_, i) => i)
    assert.deepStrictEqual(decode(stream, every).frames, ["010203", "", "04"])
  })

  it("leave the decoder at a boundary only when they are complete", () => {
    assert.isFalse(decode(Uint8Array.of(0)).atBoundary)
    assert.isFalse(decode(Uint8Array.of(0, 0, 0, 2, 1)).atBoundary)
    assert.isTrue(decode(Uint8Array.of(0, 0, 0, 1, 1)).atBoundary)
  })

  it("above the maximum size are refused before their bytes come, and end the stream", () => {
    const decoder = new Protocol.FrameDecoder(max)
    const frames: Array<number> = []
    const push = (bytes: Uint8Array) => decoder.push(bytes, (frame) => frames.push(frame.length))
    assert.isUndefined(push(frame(new Uint8Array(max))))
    const tooLong: Protocol.TooLong = { _tag: "TooLong", size: max + 1, maxMessageSize: max }
    assert.deepStrictEqual(push(Uint8Array.of(0, 0, 16, 1)), tooLong)
    assert.deepStrictEqual(push(frame(Uint8Array.of(1))), tooLong)
    assert.deepStrictEqual(frames, [max])
    assert.isFalse(decoder.atBoundary)
    assert.strictEqual(decode(Uint8Array.of(0xff, 0xff, 0xff, 0xff)).failure?.size, 0xffff_ffff)
  })

  it("of exactly the maximum size are not written, and earlier frames stay", () => {
    const encoder = new Protocol.FrameEncoder(max)
    assert.isTrue(Result.isSuccess(encoder.message({ _tag: "Prune" })))
    const refused = encoder.encoded(new Uint8Array(max))
    assert.isTrue(
      Result.isFailure(refused) && refused.failure.message === "message: 4096 bytes; must be less than 4096",
    )
    assert.isTrue(Result.isSuccess(encoder.encoded(new Uint8Array(max - 1))))
    const bytes = encoder.take()
    assert.strictEqual(bytes.length, 4 + 2 + 4 + max - 1)
    assert.deepStrictEqual([encoder.size, encoder.take().length], [0, 0])
  })

  it("begin with the topic", () => {
    const topic = TopicId.fromName("topic")
    const encoder = new Protocol.FrameEncoder(max)
    encoder.header(topic)
    const { frames } = decode(encoder.take())
    assert.deepStrictEqual(frames, [topic.hex])
    assert.strictEqual(Protocol.decodeHeader(topic.bytes)?.hex, topic.hex)
    assert.isUndefined(Protocol.decodeHeader(new Uint8Array(31)))
  })
})

describe("peer data", () => {
  const address = (direct: ReadonlyArray<string>, relayUrl?: string) => ({ relayUrl, direct })
  const decoded = (data: Uint8Array) => Result.getOrUndefined(Protocol.decodePeerData(data))

  it("is a relay and sorted socket addresses in serde's format", () => {
    const data = Protocol.encodePeerData(
      address(["[2001:db8::1]:443", "192.0.2.7:80", "10.0.0.1:65535", "192.0.2.7:80"], "https://relay.example./"),
    )
    assert.strictEqual(
      Bytes.toHex(data),
      `0117${Bytes.toHex(new TextEncoder().encode("https://relay.example./"))}` +
        "03" +
        "000a000001ffff03" +
        "00c000020750" +
        "0120010db8000000000000000000000001bb03",
    )
    assert.deepStrictEqual(
      decoded(data),
      address(["10.0.0.1:65535", "192.0.2.7:80", "[2001:db8::1]:443"], "https://relay.example./"),
    )
  })

  it("that is empty stands for no address", () => {
    assert.deepStrictEqual(decoded(new Uint8Array(0)), address([]))
    assert.deepStrictEqual(decoded(Protocol.encodePeerData(address([]))), address([]))
  })

  it("omits texts that are no socket address or URL", () => {
    const direct = ["host:1", "1.2.3.4", "1.2.3.4:65536", "256.1.1.1:1", "[::g]:1", "::1:1", "[::]:1"]
    assert.deepStrictEqual(decoded(Protocol.encodePeerData(address(direct, "no url"))), address(["[::]:1"]))
  })

  it.prop("of any bytes is read or refused, never an exception", [byteArrays(60)], ([bytes]) => {
    Protocol.decodePeerData(bytes)
  })
})
