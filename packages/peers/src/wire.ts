/** The bytes of peer streams, for programs that check them: entry `@topic-tracker/peers/wire`. Specified in PROTOCOL.md, "Peer streams". */
export {
  type Answer,
  decodeAnswer,
  decodeOpening,
  encodeAnswer,
  encodeClose,
  encodeCredit,
  encodeDataHead,
  encodeOpening,
  FINISH_FRAME,
  type FrameHandler,
  FrameReader,
  isProtocolName,
  type Opening,
  PEERS_ALPN,
} from "./streams/wire.ts"
