/** The bytes of presence on the wire, for programs that check them: entry `@topic-tracker/presence/wire`. Specified in PROTOCOL.md, "Notes and whispers". */
export {
  type Accused,
  decodeHere,
  decodeSuspect,
  encodeHere,
  encodeSuspect,
  type Here,
  NoteKind,
} from "./state/notes.ts"
export { decodeWhisper, encodeWhisper, type Item, type Root, type Whisper } from "./state/whispers.ts"
