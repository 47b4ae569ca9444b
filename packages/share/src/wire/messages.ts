/**
 * The messages of the protocol `~share/1` and their bytes: a u32 of the length, a kind, and a body; numbers are big-endian. A decoder gives undefined for bytes
 * that are no message. PROTOCOL.md has the table, "Large contents".
 */
import { EndpointId } from "@topic-tracker/crypto"
import { MAX_PROOF_BYTES, PIECE_BYTES, VALUE_BYTES } from "../tree/pieces.ts"

export const SHARE_PROTOCOL = "~share/1"

/** The values in one message: 256 KiB. */
export const MAX_VALUES = 8_192
export const MAX_PEERS = 32
export const MAX_NAME_BYTES = 255
/** Pieces named by one Have. */
const MAX_HAVES = 1_024
export const LENGTH_BYTES = 4
const HASH_BYTES = 32
const ID_BYTES = 32
/** The size in Here while it is not known. */
const NO_SIZE = 0xffff_ffff_ffff_ffffn

export type Message =
  | { readonly _tag: "Open"; readonly hash: Uint8Array }
  | { readonly _tag: "NotHere"; readonly peers: ReadonlyArray<EndpointId.EndpointId> }
  | { readonly _tag: "Here"; readonly size: number | undefined; readonly name: string }
  | { readonly _tag: "AskValues"; readonly first: number }
  | { readonly _tag: "Proof"; readonly proof: Uint8Array }
  | { readonly _tag: "Values"; readonly first: number; readonly values: Uint8Array }
  | { readonly _tag: "Map"; readonly bits: Uint8Array }
  | { readonly _tag: "Have"; readonly pieces: ReadonlyArray<number> }
  | { readonly _tag: "Want"; readonly piece: number }
  | { readonly _tag: "Piece"; readonly piece: number; readonly bytes: Uint8Array }
  | { readonly _tag: "No"; readonly piece: number }
  | { readonly _tag: "Cancel"; readonly piece: number }
  | { readonly _tag: "Peers"; readonly peers: ReadonlyArray<EndpointId.EndpointId> }

const KINDS = {
  Open: 1,
  NotHere: 2,
  Here: 3,
  AskValues: 4,
  Proof: 5,
  Values: 6,
  Map: 7,
  Have: 8,
  Want: 9,
  Piece: 10,
  No: 11,
  Cancel: 12,
  Peers: 13,
} as const satisfies Record<Message["_tag"], number>

/** The longest body of each kind. `maxPieces`: of the longest content that this node takes. */
export const maxBodyBytes = (kind: number, maxPieces: number): number | undefined => {
  switch (kind) {
    case KINDS.Open:
      return 1 + HASH_BYTES
    case KINDS.NotHere:
    case KINDS.Peers:
      return MAX_PEERS * ID_BYTES
    case KINDS.Here:
      return 8 + MAX_NAME_BYTES
    case KINDS.AskValues:
    case KINDS.Want:
    case KINDS.No:
    case KINDS.Cancel:
      return 4
    case KINDS.Proof:
      return MAX_PROOF_BYTES
    case KINDS.Values:
      return 4 + MAX_VALUES * VALUE_BYTES
    case KINDS.Map:
      return Math.ceil(maxPieces / 8)
    case KINDS.Have:
      return 4 * MAX_HAVES
    case KINDS.Piece:
      return 4 + PIECE_BYTES
    default:
      return undefined
  }
}

const VERSION = 1

const frame = (kind: number, bodyBytes: number): { readonly bytes: Uint8Array; readonly view: DataView } => {
  const bytes = new Uint8Array(LENGTH_BYTES + 1 + bodyBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 1 + bodyBytes)
  bytes[LENGTH_BYTES] = kind
  return { bytes, view }
}

const BODY = LENGTH_BYTES + 1

const withBytes = (kind: number, body: Uint8Array): Uint8Array => {
  const { bytes } = frame(kind, body.length)
  bytes.set(body, BODY)
  return bytes
}

const withNumber = (kind: number, value: number, rest?: Uint8Array): Uint8Array => {
  const { bytes, view } = frame(kind, 4 + (rest?.length ?? 0))
  view.setUint32(BODY, value)
  if (rest !== undefined) bytes.set(rest, BODY + 4)
  return bytes
}

const withIds = (kind: number, ids: ReadonlyArray<EndpointId.EndpointId>): Uint8Array => {
  const { bytes } = frame(kind, ids.length * ID_BYTES)
  for (const [i, id] of ids.entries()) bytes.set(EndpointId.bytes(id), BODY + i * ID_BYTES)
  return bytes
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export const encode = (message: Message): Uint8Array => {
  const kind = KINDS[message._tag]
  switch (message._tag) {
    case "Open": {
      const { bytes } = frame(kind, 1 + HASH_BYTES)
      bytes[BODY] = VERSION
      bytes.set(message.hash, BODY + 1)
      return bytes
    }
    case "NotHere":
    case "Peers":
      return withIds(kind, message.peers)
    case "Here": {
      const name = encoder.encode(message.name)
      const { bytes, view } = frame(kind, 8 + name.length)
      view.setBigUint64(BODY, message.size === undefined ? NO_SIZE : BigInt(message.size))
      bytes.set(name, BODY + 8)
      return bytes
    }
    case "AskValues":
      return withNumber(kind, message.first)
    case "Proof":
      return withBytes(kind, message.proof)
    case "Values":
      return withNumber(kind, message.first, message.values)
    case "Map":
      return withBytes(kind, message.bits)
    case "Have": {
      const { bytes, view } = frame(kind, 4 * message.pieces.length)
      for (const [i, piece] of message.pieces.entries()) view.setUint32(BODY + 4 * i, piece)
      return bytes
    }
    case "Want":
    case "No":
    case "Cancel":
      return withNumber(kind, message.piece)
    case "Piece":
      return withNumber(kind, message.piece, message.bytes)
  }
}

/** Have messages for any number of pieces. */
export const encodeHaves = (pieces: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const messages: Array<Uint8Array> = []
  for (let at = 0; at < pieces.length; at += MAX_HAVES) {
    messages.push(encode({ _tag: "Have", pieces: pieces.slice(at, at + MAX_HAVES) }))
  }
  return messages
}

/** The message of a kind and its body, whose length is at most {@link maxBodyBytes}. */
export const decode = (kind: number, body: Uint8Array): Message | undefined => {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  switch (kind) {
    case KINDS.Open:
      return body.length === 1 + HASH_BYTES && body[0] === VERSION ? { _tag: "Open", hash: body.slice(1) } : undefined
    case KINDS.NotHere:
      return withPeers("NotHere", body)
    case KINDS.Peers:
      return withPeers("Peers", body)
    case KINDS.Here:
      return decodeHere(body, view)
    case KINDS.AskValues:
      return body.length === 4 ? { _tag: "AskValues", first: view.getUint32(0) } : undefined
    case KINDS.Proof:
      return { _tag: "Proof", proof: body }
    case KINDS.Values:
      return body.length > 4 && (body.length - 4) % VALUE_BYTES === 0
        ? { _tag: "Values", first: view.getUint32(0), values: body.subarray(4) }
        : undefined
    case KINDS.Map:
      return { _tag: "Map", bits: body }
    case KINDS.Have:
      return body.length > 0 && body.length % 4 === 0
        ? { _tag: "Have", pieces: Array.from({ length: body.length / 4 }, (_, i) => view.getUint32(4 * i)) }
        : undefined
    case KINDS.Want:
      return body.length === 4 ? { _tag: "Want", piece: view.getUint32(0) } : undefined
    case KINDS.No:
      return body.length === 4 ? { _tag: "No", piece: view.getUint32(0) } : undefined
    case KINDS.Cancel:
      return body.length === 4 ? { _tag: "Cancel", piece: view.getUint32(0) } : undefined
    case KINDS.Piece:
      return body.length >= 4 ? { _tag: "Piece", piece: view.getUint32(0), bytes: body.subarray(4) } : undefined
    default:
      return undefined
  }
}

const withPeers = (tag: "NotHere" | "Peers", body: Uint8Array): Message | undefined => {
  if (body.length % ID_BYTES !== 0) return undefined
  const peers: Array<EndpointId.EndpointId> = []
  for (let at = 0; at < body.length; at += ID_BYTES) peers.push(EndpointId.fromBytes(body.slice(at, at + ID_BYTES)))
  return { _tag: tag, peers }
}

const decodeHere = (body: Uint8Array, view: DataView): Message | undefined => {
  if (body.length < 8) return undefined
  const size = view.getBigUint64(0)
  if (size !== NO_SIZE && size > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  try {
    return { _tag: "Here", size: size === NO_SIZE ? undefined : Number(size), name: decoder.decode(body.subarray(8)) }
  } catch {
    return undefined
  }
}
