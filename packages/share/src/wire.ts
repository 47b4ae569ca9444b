/** The bytes of large contents on the wire, for programs that check them: entry `@topic-tracker/share/wire`. Specified in PROTOCOL.md, "Large contents". */
export { FrameReader } from "./wire/FrameReader.ts"
export { encode, type Message } from "./wire/messages.ts"
