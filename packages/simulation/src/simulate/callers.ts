/** Places in the source of a user's program, taken from stack traces. Frames of libraries and of this repository's packages do not count. */
import { fileURLToPath } from "node:url"

/** A frame of a stack trace of V8: the file and the position. */
const FRAME = /(?:\(|^at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):(\d+)\)?$/

const OTHERS = /[\\/]node_modules[\\/]|[\\/]packages[\\/][a-z-]+[\\/](?:src|dist)[\\/]/

/** Frames that are looked at. */
const MAX_FRAMES = 30

/** The stack of the caller. */
export const stackHere = (): string => {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = MAX_FRAMES
  const { stack = "" } = new Error("stack")
  Error.stackTraceLimit = before
  return stack
}

/** The first place in a stack that is the user's, such as "/home/me/bot.ts:8:12"; undefined if there is none. */
export const placeIn = (stack: string): string | undefined => {
  for (const line of stack.split("\n")) {
    const place = placeOf(line)
    if (place !== undefined && !OTHERS.test(place)) return place
  }
  return undefined
}

/** The place that called into the file whose name contains `file`, if it is the user's; undefined if a library called it. */
export const callerOf = (stack: string, file: string): string | undefined => {
  const lines = stack.split("\n")
  const at = lines.findLastIndex((line) => line.includes(file))
  const place = placeOf(lines[at + 1] ?? "")
  return place === undefined || OTHERS.test(place) ? undefined : place
}

const placeOf = (line: string): string | undefined => {
  const match = FRAME.exec(line.trim())
  if (match === null) return undefined
  const [, file, row, column] = match
  return `${file!.startsWith("file:") ? fileURLToPath(file!) : file}:${row}:${column}`
}
