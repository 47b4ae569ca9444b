/** Decoders of peer streams: the opening of a stream, and the frames after it. */
import type { Protocol } from "@topic-tracker/gossip"
import {
  decodeOpening,
  encodeClose,
  encodeCredit,
  encodeDataHead,
  encodeOpening,
  FINISH_FRAME,
  FrameReader,
} from "@topic-tracker/peers/wire"
import { type Decoder, magnitude, sameBytes } from "./Decoder.ts"
import { pick, randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

const NAMES = ["~rpc/1", "chat", "Grüße", "x".repeat(64), "\u{1F600}"]

export const peerOpening: Decoder = {
  name: "peer-opening",
  about: "the opening of a peer stream",
  generate: (rng) => encodeOpening({ topic: randomBytes(rng, 32), protocol: pick(rng, NAMES) }),
  decode: (bytes) => {
    const opening = decodeOpening(bytes)
    if (opening === undefined || opening === "malformed") return { _tag: "refused", kind: String(opening) }
    return {
      _tag: "value",
      kind: `protocol ${magnitude(opening.protocol.length)}`,
      again: () => (sameBytes(encodeOpening(opening), bytes) ? undefined : "the opening is not the same"),
    }
  },
}

const peerFrame = (rng: Rng): Uint8Array => {
  switch (rng.nextInt(4)) {
    case 0: {
      const data = randomBytes(rng, rng.nextInt(300))
      return Buffer.concat([encodeDataHead(data.length), data])
    }
    case 1:
      return encodeCredit(rng.nextInt(2 ** 32))
    case 2:
      return encodeClose(rng.nextInt(65_536), "because ".repeat(rng.nextInt(20)))
    default:
      return FINISH_FRAME
  }
}

/** What a reader says of the bytes, which come in pieces of at most so many. */
const read = (bytes: Uint8Array, pieceBytes: number): string => {
  const reader = new FrameReader()
  let said = ""
  let data = 0
  const tell = (text: string) => {
    if (data > 0) said += `data ${data};`
    data = 0
    said += `${text};`
  }
  const handler = {
    data: (part: Uint8Array) => {
      data += part.length
    },
    credit: (more: number) => tell(`credit ${more}`),
    finish: () => tell("finish"),
    close: (code: number, reason: string) => tell(`close ${code} ${reason}`),
  }
  for (let at = 0; at < bytes.length; at += pieceBytes)
    if (!reader.push(bytes.subarray(at, at + pieceBytes), handler)) {
      tell("malformed")
      return said
    }
  tell(reader.isBetweenFrames ? "end" : "within")
  return said
}

export const peerFrames: Decoder = {
  name: "peer-frames",
  about: "the frames of a peer stream, in one piece and in pieces of 7 bytes",
  generate: (rng) => Buffer.concat(Array.from({ length: 1 + rng.nextInt(5) }, () => peerFrame(rng))),
  decode: (bytes) => {
    const whole = read(bytes, Math.max(1, bytes.length))
    const kind = whole
      .replace(/close \d+ [^;]*/g, "close")
      .replace(/ \d+/g, "")
      .slice(0, 30)
    if (whole.endsWith("malformed;") && whole.split(";").length <= 2) return { _tag: "refused", kind }
    // A reason may contain a semicolon of its own, which changes nothing: both are compared as a whole.
    return { _tag: "value", kind, again: () => (read(bytes, 7) === whole ? undefined : "pieces are read otherwise") }
  },
}
