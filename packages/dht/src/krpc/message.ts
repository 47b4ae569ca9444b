/**
 * KRPC messages (BEP 5, with the arguments of BEP 43 and BEP 44). {@link parse} is the only way from a datagram to a message: it
 * decodes the bencoding and checks the shape; fields and datagrams that it does not return reach no other code. The checks are written
 * by hand: a Schema takes as long for one query as all the rest of its answer.
 */
import { type Bencode, type BencodeDictionary, decodeMessage } from "./bencode.ts"
import { COMPACT_NODE_BYTES } from "./compactNodes.ts"
import { ID_BYTES } from "./nodeId.ts"

/** BEP 5 calls tokens and transaction ids short strings; these bounds are far above what any client sends. */
const TOKEN_MAX = 128
const TRANSACTION_ID_MAX = 32

/** Names of methods and message types are short ASCII; longer ones are invalid. */
const TEXT_MAX = 32

const MAX_PORT = 65_535n

/** The arguments of each method that we serve. Node ids, targets and hashes have 20 bytes. */
export interface Ping {
  readonly id: Uint8Array
}

export interface FindNode {
  readonly id: Uint8Array
  readonly target: Uint8Array
}

export interface GetPeers {
  readonly id: Uint8Array
  readonly info_hash: Uint8Array
}

export interface AnnouncePeer {
  readonly id: Uint8Array
  readonly info_hash: Uint8Array
  /** 0 to 65,535. */
  readonly port: bigint
  readonly implied_port?: bigint
  readonly token: Uint8Array
}

export interface Get {
  readonly id: Uint8Array
  readonly target: Uint8Array
  readonly seq?: bigint
}

/** A put with a key is of a mutable item; then key (32 bytes), signature (64 bytes) and seq are all required. */
export interface PutMutable {
  readonly id: Uint8Array
  readonly token: Uint8Array
  readonly v: Bencode
  readonly k: Uint8Array
  readonly sig: Uint8Array
  readonly seq: bigint
  readonly salt?: Uint8Array
  readonly cas?: bigint
}

export interface PutImmutable {
  readonly id: Uint8Array
  readonly token: Uint8Array
  readonly v: Bencode
  readonly k?: never
  readonly sig?: never
}

interface Arguments {
  readonly ping: Ping
  readonly find_node: FindNode
  readonly get_peers: GetPeers
  readonly announce_peer: AnnouncePeer
  readonly get: Get
  readonly put: PutMutable | PutImmutable
}

type Method = keyof Arguments

interface Envelope {
  readonly t: Uint8Array
  /** 1: the sender answers no queries (BEP 43). */
  readonly ro?: bigint
  readonly y: "q"
}

/**
 * A query of a method that we serve.
 *
 * @since 0.1.0
 * @category models
 */
export type Query = { readonly [M in Method]: Envelope & { readonly q: M; readonly a: Arguments[M] } }[Method]

/**
 * A well-formed query of another method: it gets error 204.
 *
 * @since 0.1.0
 * @category models
 */
export interface UnknownQuery extends Envelope {
  readonly q: string
  readonly a: Ping
}

/**
 * The fields of the answers of all methods; which of them exist depends on the query.
 *
 * @since 0.1.0
 * @category models
 */
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

/**
 * An answer as it came.
 *
 * @since 0.1.0
 * @category models
 */
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

/**
 * A list of a code and usually a text.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorResponse {
  readonly t: Uint8Array
  readonly y: "e"
  readonly e: readonly [bigint, ...ReadonlyArray<unknown>]
}

/**
 * A valid KRPC message.
 *
 * @since 0.1.0
 * @category models
 */
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

const isId = (value: Bencode | undefined): value is Uint8Array => hasLength(value, ID_BYTES)

const isInteger = (value: Bencode | undefined): value is bigint => typeof value === "bigint"

const isMissingOrInteger = (value: Bencode | undefined): value is bigint | undefined =>
  value === undefined || isInteger(value)

/** For each method the arguments that it knows, or undefined if they are not valid. */
const readArguments: { readonly [M in Method]: (id: Uint8Array, a: BencodeDictionary) => Arguments[M] | undefined } = {
  ping: (id) => ({ id }),
  find_node: (id, { target }) => (isId(target) ? { id, target } : undefined),
  get_peers: (id, { info_hash }) => (isId(info_hash) ? { id, info_hash } : undefined),
  announce_peer: (id, { implied_port, info_hash, port, token }) => {
    if (!isId(info_hash) || !isInteger(port) || port < 0n || port > MAX_PORT) return undefined
    if (!hasLengthUpTo(token, TOKEN_MAX) || !isMissingOrInteger(implied_port)) return undefined
    return { id, info_hash, port, ...(implied_port === undefined ? {} : { implied_port }), token }
  },
  get: (id, { seq, target }) =>
    isId(target) && isMissingOrInteger(seq) ? { id, target, ...(seq === undefined ? {} : { seq }) } : undefined,
  put: (id, { cas, k, salt, seq, sig, token, v }) => {
    if (!hasLengthUpTo(token, TOKEN_MAX) || v === undefined) return undefined
    if (k === undefined) return sig === undefined ? { id, token, v } : undefined
    if (!hasLength(k, 32) || !hasLength(sig, 64) || !isInteger(seq) || !isMissingOrInteger(cas)) return undefined
    if (salt !== undefined && !isBytes(salt)) return undefined
    return {
      id,
      token,
      v,
      k,
      sig,
      seq,
      ...(salt === undefined ? {} : { salt }),
      ...(cas === undefined ? {} : { cas }),
    }
  },
}

const isMethod = (q: string): q is Method => Object.hasOwn(readArguments, q)

/** Whether the query is of a method that we serve. */
export const isServed = (query: Query | UnknownQuery): query is Query => isMethod(query.q)

const readQuery = ({ a, q, ro, t }: BencodeDictionary): Query | UnknownQuery | undefined => {
  const method = text(q)
  if (method === undefined || !hasLengthUpTo(t, TRANSACTION_ID_MAX) || !isMissingOrInteger(ro)) return undefined
  if (a === undefined || !isDictionary(a) || !isId(a.id)) return undefined
  const envelope: Envelope = ro === undefined ? { t, y: "q" } : { t, ro, y: "q" }
  if (!isMethod(method)) return { ...envelope, q: method, a: { id: a.id } }
  const known = readArguments[method](a.id, a)
  // The compiler does not see that name and arguments are of the same method.
  return known === undefined ? undefined : ({ ...envelope, q: method, a: known } as Query)
}

const readError = ({ e, t }: BencodeDictionary): ErrorResponse | undefined => {
  if (!hasLengthUpTo(t, TRANSACTION_ID_MAX) || !Array.isArray(e) || !isInteger(e[0])) return undefined
  return { t, y: "e", e: [e[0], ...e.slice(1)] }
}

/**
 * The message in the datagram, or undefined if it is not a valid one. Never throws.
 *
 * @since 0.1.0
 * @category encoding
 */
export const parse = (datagram: Uint8Array): KrpcMessage | undefined => {
  const value = decodeMessage(datagram)
  if (value === undefined || !isDictionary(value)) return undefined
  switch (text(value.y)) {
    case "r": {
      const { t, r, ip } = value
      if (!hasLengthUpTo(t, TRANSACTION_ID_MAX) || !isReply(r)) return undefined
      return hasLength(ip, 4) || hasLength(ip, 6) ? { t, y: "r", r, ip } : { t, y: "r", r }
    }
    case "e":
      return readError(value)
    case "q":
      return readQuery(value)
    default:
      return undefined
  }
}

const isDictionary = (value: Bencode): value is BencodeDictionary =>
  typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array)

const text = (value: Bencode | undefined): string | undefined => {
  if (!hasLengthUpTo(value, TEXT_MAX)) return undefined
  return value.length === 1 ? String.fromCharCode(value[0]!) : String.fromCharCode(...value)
}
