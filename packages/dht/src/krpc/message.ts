/**
 * KRPC messages (BEP 5, with the arguments of BEP 43 and BEP 44). {@link parse} is the only way from a datagram to a message: it
 * decodes the bencoding and checks the shape; fields and datagrams that it does not return reach no other code. Schemas check the
 * queries of others; the answers to our own queries, which are most of the traffic, are checked by hand.
 */
import { Option, Schema } from "effect"
import { type Bencode, type BencodeDictionary, decodeMessage } from "./bencode.ts"
import { COMPACT_NODE_BYTES } from "./compactNodes.ts"
import { ID_BYTES } from "./nodeId.ts"

const bytes = (length: number) =>
  Schema.Uint8Array.check(
    Schema.makeFilter((value: Uint8Array) => value.length === length, { expected: `${length} bytes` }),
  )

const bytesUpTo = (length: number) =>
  Schema.Uint8Array.check(
    Schema.makeFilter((value: Uint8Array) => value.length <= length, { expected: `at most ${length} bytes` }),
  )

const NodeId = bytes(ID_BYTES)

/** BEP 5 calls tokens and transaction ids short strings; these bounds are far above what any client sends. */
const TOKEN_MAX = 128
const TRANSACTION_ID_MAX = 32
const Token = bytesUpTo(TOKEN_MAX)
const TransactionId = bytesUpTo(TRANSACTION_ID_MAX)

const Port = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 65535n }))

/** Any bencoded value: {@link decodeMessage} returned it, so its form is valid. */
const Value: Schema.Codec<Bencode> = Schema.declare((value): value is Bencode => value !== undefined)

const Ping = Schema.Struct({ id: NodeId })
const FindNode = Schema.Struct({ id: NodeId, target: NodeId })
const GetPeers = Schema.Struct({ id: NodeId, info_hash: NodeId })
const AnnouncePeer = Schema.Struct({
  id: NodeId,
  info_hash: NodeId,
  port: Port,
  implied_port: Schema.optionalKey(Schema.BigInt),
  token: Token,
})
const Get = Schema.Struct({ id: NodeId, target: NodeId, seq: Schema.optionalKey(Schema.BigInt) })

/** A put with a key is of a mutable item; then key, signature and seq are all required. */
const PutMutable = Schema.Struct({
  id: NodeId,
  token: Token,
  v: Value,
  k: bytes(32),
  sig: bytes(64),
  seq: Schema.BigInt,
  salt: Schema.optionalKey(Schema.Uint8Array),
  cas: Schema.optionalKey(Schema.BigInt),
})
const PutImmutable = Schema.Struct({
  id: NodeId,
  token: Token,
  v: Value,
  k: Schema.optionalKey(Schema.Never),
  sig: Schema.optionalKey(Schema.Never),
})

export type PutMutable = typeof PutMutable.Type
export type PutImmutable = typeof PutImmutable.Type

const envelope = { t: TransactionId, ro: Schema.optionalKey(Schema.BigInt) }
const query = <Name extends string, Arguments extends Schema.Top>(name: Name, a: Arguments) =>
  Schema.Struct({ ...envelope, y: Schema.Literal("q"), q: Schema.Literal(name), a })

/** A query of a method that we serve. */
export const Query = Schema.Union([
  query("ping", Ping),
  query("find_node", FindNode),
  query("get_peers", GetPeers),
  query("announce_peer", AnnouncePeer),
  query("get", Get),
  query("put", Schema.Union([PutMutable, PutImmutable])),
])
export type Query = typeof Query.Type

/** A well-formed query of another method: it gets error 204. */
export const UnknownQuery = Schema.Struct({
  ...envelope,
  y: Schema.Literal("q"),
  q: Schema.String,
  a: Schema.Struct({ id: NodeId }),
})
export type UnknownQuery = typeof UnknownQuery.Type

/** The fields of the answers of all methods; which of them exist depends on the query. */
export interface Reply {
  readonly id: Uint8Array
  /** Compact node info, of 26 bytes a node. */
  readonly nodes?: Uint8Array
  readonly token?: Uint8Array
  readonly values?: ReadonlyArray<Uint8Array>
  /** 32 and 64 bytes. */
  readonly k?: Uint8Array
  readonly sig?: Uint8Array
  readonly seq?: bigint
  readonly v?: Bencode
}

export interface Response {
  readonly t: Uint8Array
  readonly y: "r"
  /** Our address as the other node sees it (BEP 42): 4 bytes, which are mostly followed by the port. */
  readonly ip?: Uint8Array
  readonly r: Reply
}

/** Checked by hand and passed on as decoded, because nearly all datagrams of a client are answers. */
const isReply = (r: Bencode | undefined): r is BencodeDictionary & Reply => {
  if (r === undefined || !isDictionary(r) || !hasLength(r.id, ID_BYTES)) return false
  const { nodes, token, values, k, sig, seq } = r
  if (nodes !== undefined && !(nodes instanceof Uint8Array && nodes.length % COMPACT_NODE_BYTES === 0)) return false
  if (token !== undefined && !hasLengthUpTo(token, TOKEN_MAX)) return false
  if (values !== undefined && !(Array.isArray(values) && values.every(isBytes))) return false
  if (k !== undefined && !hasLength(k, 32)) return false
  if (sig !== undefined && !hasLength(sig, 64)) return false
  return seq === undefined || typeof seq === "bigint"
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

const hasLength = (value: Bencode | undefined, length: number): value is Uint8Array =>
  isBytes(value) && value.length === length

const hasLengthUpTo = (value: Bencode | undefined, length: number): value is Uint8Array =>
  isBytes(value) && value.length <= length

/** A list of a code and usually a text. */
export const ErrorResponse = Schema.Struct({
  t: TransactionId,
  y: Schema.Literal("e"),
  e: Schema.TupleWithRest(Schema.Tuple([Schema.BigInt]), [Schema.Unknown]),
})
export type ErrorResponse = typeof ErrorResponse.Type

export type KrpcMessage = Query | UnknownQuery | Response | ErrorResponse

/** Error codes of BEP 5 and BEP 44. */
export const ErrorCode = {
  Server: 202,
  Protocol: 203,
  MethodUnknown: 204,
  ValueTooBig: 205,
  InvalidSignature: 206,
  SaltTooBig: 207,
  CasMismatch: 301,
  SeqLessThanCurrent: 302,
} as const

const option = <S extends Schema.Codec<unknown, unknown>>(schema: S) => Schema.decodeUnknownOption(schema)
const decodeError = option(ErrorResponse)
const decodeUnknownQuery = option(UnknownQuery)
const decodeQuery = new Map(
  (["ping", "find_node", "get_peers", "announce_peer", "get", "put"] as const).map((name) => [
    name as string,
    option(Query.members.find((member) => member.fields.q.literal === name)!),
  ]),
)

/** Whether the query is of a method that we serve. */
export const isServed = (query: Query | UnknownQuery): query is Query => decodeQuery.has(query.q)

/** The message in the datagram, or undefined if it is not a valid one. Never throws. */
export const parse = (datagram: Uint8Array): KrpcMessage | undefined => {
  const value = decodeMessage(datagram)
  if (value === undefined || !isDictionary(value)) return undefined
  const y = text(value.y)
  switch (y) {
    case "r": {
      const { t, r, ip } = value
      if (!hasLengthUpTo(t, TRANSACTION_ID_MAX) || !isReply(r)) return undefined
      return hasLength(ip, 4) || hasLength(ip, 6) ? { t, y, r, ip } : { t, y, r }
    }
    case "e":
      return Option.getOrUndefined(decodeError({ ...value, y }))
    case "q": {
      const q = text(value.q)
      if (q === undefined) return undefined
      const decoder = decodeQuery.get(q) ?? decodeUnknownQuery
      return Option.getOrUndefined<KrpcMessage>(decoder({ ...value, y, q }))
    }
    default:
      return undefined
  }
}

const isDictionary = (value: Bencode): value is BencodeDictionary =>
  typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array)

/** Names of methods and message types are short ASCII; longer ones are invalid. */
const text = (value: Bencode | undefined): string | undefined => {
  if (!hasLengthUpTo(value, 32)) return undefined
  return value.length === 1 ? String.fromCharCode(value[0]!) : String.fromCharCode(...value)
}
