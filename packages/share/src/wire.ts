/** The bytes of contents, for programs that check them: entry `@topic-tracker/share/wire`. Specified in PROTOCOL.md, "Large contents". */
export { decodeLog, encodeLog, type SavedContent } from "./storage/pieceLog.ts"
export { PieceMaker, PieceRow } from "./tree/PieceRow.ts"
export { isProofOfSize, PIECE_BYTES, pieceCount, pieceLength, pieceValue, proveSize, rootOf } from "./tree/pieces.ts"
export { FrameReader } from "./wire/FrameReader.ts"
export { decode, encode, type Message, maxBodyBytes, SHARE_PROTOCOL } from "./wire/messages.ts"
