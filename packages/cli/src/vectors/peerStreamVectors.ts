/** Checks the bytes of peer streams against `streams.json`, which was written by hand from PROTOCOL.md, "Peer streams". */
import { Bytes } from "@topic-tracker/common"
import {
  type Answer,
  decodeAnswer,
  decodeOpening,
  encodeAnswer,
  encodeClose,
  encodeCredit,
  encodeDataHead,
  encodeOpening,
  FINISH_FRAME,
  FrameReader,
} from "@topic-tracker/peers/wire"
import { Effect, Schema } from "effect"
import { caseNotes, failedChecks, HexText, type VectorCheck } from "./VectorReport.ts"

const FrameEvent = Schema.Union([
  Schema.Tuple([Schema.Literal("data"), HexText]),
  Schema.Tuple([Schema.Literal("credit"), Schema.Int]),
  Schema.Tuple([Schema.Literal("finish")]),
  Schema.Tuple([Schema.Literal("close"), Schema.Int, Schema.String]),
])
type FrameEvent = typeof FrameEvent.Type

const StreamsFile = Schema.Struct({
  openings: Schema.Array(Schema.Struct({ topic: HexText, protocol: Schema.String, bytes: HexText })),
  malformedOpenings: Schema.Array(HexText),
  answers: Schema.Array(Schema.Struct({ code: Schema.Int, answer: Schema.String })),
  frames: Schema.Struct({ bytes: HexText, events: Schema.Array(FrameEvent) }),
  malformedFrames: Schema.Array(HexText),
})

/** Checks every case of `streams.json`. The frames are read in pieces of every size. */
export const peerStreamVectors: VectorCheck = Effect.fnUntraced(function* (json) {
  const file = yield* Schema.decodeUnknownEffect(StreamsFile)(json)
  const cases = caseNotes("streams")
  const note = (name: string, checks: Readonly<Record<string, boolean>>) => cases.note(name, failedChecks(checks))
  for (const { bytes, protocol, topic } of file.openings) {
    const whole = Bytes.fromHex(bytes)
    const read = decodeOpening(whole)
    note(`opening "${protocol}"`, {
      encoding: Bytes.toHex(encodeOpening({ topic: Bytes.fromHex(topic), protocol })) === bytes,
      decoding: typeof read === "object" && Bytes.toHex(read.topic) === topic && read.protocol === protocol,
      "incomplete before its end": whole.every((_, length) => decodeOpening(whole.slice(0, length)) === undefined),
    })
  }
  for (const bytes of file.malformedOpenings) {
    note(`opening ${bytes.slice(0, 40)}`, { refused: decodeOpening(Bytes.fromHex(bytes)) === "malformed" })
  }
  for (const { answer, code } of file.answers) {
    note(`answer ${code}`, {
      encoding: Bytes.toHex(encodeAnswer(answer as Answer)) === Bytes.toHex(Uint8Array.of(code)),
      decoding: decodeAnswer(code) === answer,
    })
  }
  const { bytes, events } = file.frames
  const whole = Bytes.fromHex(bytes)
  const pieces = Array.from(whole, (_, i) => framesIn(whole, i + 1))
  note("frames", {
    encoding: events.map(encodeFrame).join("") === bytes,
    decoding: pieces.every((read) => JSON.stringify(read) === JSON.stringify(events)),
  })
  for (const each of file.malformedFrames) {
    note(`frames ${each}`, { refused: framesIn(Bytes.fromHex(each), each.length) === undefined })
  }
  return cases.report()
})

const encodeFrame = (event: FrameEvent): string => {
  switch (event[0]) {
    case "data":
      return Bytes.toHex(encodeDataHead(event[1].length / 2)) + event[1]
    case "credit":
      return Bytes.toHex(encodeCredit(event[1]))
    case "finish":
      return Bytes.toHex(FINISH_FRAME)
    case "close":
      return Bytes.toHex(encodeClose(event[1], event[2]))
  }
}

/** The frames in bytes that come in pieces of this size; undefined if they are none. */
const framesIn = (bytes: Uint8Array, piece: number): ReadonlyArray<FrameEvent> | undefined => {
  const events: Array<FrameEvent> = []
  const reader = new FrameReader()
  for (let at = 0; at < bytes.length; at += piece) {
    const isRight = reader.push(bytes.slice(at, at + piece), {
      data: (part) => {
        const last = events.at(-1)
        if (last?.[0] === "data") events[events.length - 1] = ["data", last[1] + Bytes.toHex(part)]
        else events.push(["data", Bytes.toHex(part)])
      },
      credit: (count) => void events.push(["credit", count]),
      finish: () => void events.push(["finish"]),
      close: (code, reason) => void events.push(["close", code, reason]),
    })
    if (!isRight) return undefined
  }
  return events
}
