/** All decoders under test. */
import type { Decoder } from "./Decoder.ts"
import { krpc, nodesFile } from "./dhtDecoders.ts"
import { frames, gossipMessage, peerData } from "./gossipDecoders.ts"
import { contents, envelope, invite, repair } from "./membersDecoders.ts"
import { peerFrames, peerOpening } from "./peersDecoders.ts"
import { presenceNote, whisper } from "./presenceDecoders.ts"
import { pkarr, record, recordContent, sealedRecord } from "./recordDecoders.ts"
import { shareMessages } from "./shareDecoders.ts"

export const decoders: ReadonlyArray<Decoder> = [
  krpc,
  frames,
  gossipMessage,
  peerData,
  record,
  recordContent,
  sealedRecord,
  pkarr,
  nodesFile,
  invite,
  envelope,
  contents,
  repair,
  peerOpening,
  peerFrames,
  whisper,
  presenceNote,
  shareMessages,
]
