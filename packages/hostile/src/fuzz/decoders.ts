/** All decoders under test. */
import type { Decoder } from "./Decoder.ts"
import { krpc, nodesFile } from "./dhtDecoders.ts"
import { frames, gossipMessage, peerData } from "./gossipDecoders.ts"
import { contents, envelope, invite, repair } from "./membersDecoders.ts"
import { pkarr, record, recordContent, sealedRecord } from "./recordDecoders.ts"

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
]
