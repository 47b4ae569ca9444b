/**
 * Answers the queries `get` and `put` of others by the rules of BEP 44. The other methods are answered by the routing
 * table's own library; it cannot hold a seq of 2^63 − 1.
 */
import type { Crypto } from "@topic-tracker/crypto"
import type { DhtAddress } from "../Dht.ts"
import { decode, type EncodableDictionary, encode } from "../krpc/bencode.ts"
import { ErrorCode, type PutImmutable, type PutMutable, type Query } from "../krpc/krpcMessage.ts"
import {
  type EqualSeq,
  immutableTarget,
  MAX_ENCODED_VALUE_LENGTH,
  MAX_SALT_LENGTH,
  refusal,
  type StoredItem,
  targetOf,
  verifyItem,
} from "../mutableItem.ts"
import { COMPACT_NODE_LENGTH, type DhtNode, encodeNodes } from "../nodeId.ts"
import { ItemStore, type ItemStoreOptions } from "./ItemStore.ts"
import { Tokens } from "./Tokens.ts"

export interface ItemServerOptions extends ItemStoreOptions {
  readonly id: Uint8Array
  readonly equalSeq: EqualSeq
  readonly crypto: Crypto["Service"]
  /** 32 random bytes, for the tokens. */
  readonly secret: Uint8Array
  /** The nodes of the routing table closest to a target, closest first, at most this many. */
  readonly closest: (target: Uint8Array, count: number) => ReadonlyArray<DhtNode>
}

/** An answer: the values of a response, or a code and a text. */
export type Answer =
  | { readonly _tag: "reply"; readonly r: EncodableDictionary }
  | { readonly _tag: "error"; readonly code: number; readonly message: string }

/** An answer longer than this may be cut up on its way (1,500 bytes of Ethernet, less headers and tunnels). */
const datagramTarget = 1400

/** Everything in an answer to `get` but the nodes and the item: envelope, id, token. */
const replyOverhead = 110

/** Mainline clients name 20 nodes, BEP 5 asks for 8. */
const namedNodes = { most: 20, least: 8 }

const error = (code: number, message: string): Answer => ({ _tag: "error", code, message })

export class ItemServer {
  readonly store: ItemStore
  private readonly options: ItemServerOptions
  private readonly tokens: Tokens

  constructor(options: ItemServerOptions) {
    this.options = options
    this.store = new ItemStore(options)
    this.tokens = new Tokens(options.secret)
  }

  /** The answer to a `get`: what is stored, a token, and closer nodes, as many as fit a datagram. `now` in ms. */
  get(a: Extract<Query, { q: "get" }>["a"], from: DhtAddress, now: number): Answer {
    const { id, closest } = this.options
    const item = this.itemFields(this.store.get(a.target, now), a.seq)
    const room = datagramTarget - replyOverhead - encode(item).length
    const count = Math.min(namedNodes.most, Math.max(namedNodes.least, Math.floor(room / COMPACT_NODE_LENGTH)))
    const nodes = encodeNodes(closest(a.target, count))
    return { _tag: "reply", r: { id, nodes, token: this.tokens.issue(from.host, now), ...item } }
  }

  private itemFields(stored: ReturnType<ItemStore["get"]>, newerThan: bigint | undefined): EncodableDictionary {
    if (stored === undefined) return {}
    const v = decode(stored.encodedValue)
    if (!("seq" in stored)) return { v }
    const { publicKey, signature, seq } = stored
    // BEP 44: who already has this seq is spared the item.
    return newerThan !== undefined && seq <= newerThan ? { seq } : { v, k: publicKey, sig: signature, seq }
  }

  /** The answer to a `put`, which is stored if BEP 44 allows it. `now` in ms. */
  put(a: PutMutable | PutImmutable, from: DhtAddress, now: number): Answer {
    if (!this.tokens.accepts(a.token, from.host, now)) return error(ErrorCode.Protocol, "bad token")
    const encodedValue = encode(a.v)
    if (encodedValue.length > MAX_ENCODED_VALUE_LENGTH) return error(ErrorCode.ValueTooBig, "value too big")
    if (a.k !== undefined) return this.putMutable(a, encodedValue, now)
    this.store.set(immutableTarget(encodedValue), { encodedValue }, now)
    return this.stored
  }

  private putMutable(a: PutMutable, encodedValue: Uint8Array, now: number): Answer {
    const { salt, seq, cas } = a
    if (salt !== undefined && salt.length > MAX_SALT_LENGTH) return error(ErrorCode.SaltTooBig, "salt too big")
    const target = targetOf(a.k, salt)
    const refused = refusal(this.held(target, now), { seq, cas, encodedValue }, this.options.equalSeq)
    if (refused === "cas") return error(ErrorCode.CasMismatch, "CAS mismatch, read again and try anew")
    if (refused === "seq") return error(ErrorCode.SeqLessThanCurrent, "sequence number less than current")
    const item = { publicKey: a.k, salt, seq, encodedValue, signature: a.sig }
    if (!verifyItem(this.options.crypto, item)) return error(ErrorCode.InvalidSignature, "invalid signature")
    this.store.set(target, item, now)
    return this.stored
  }

  /** We have put this item: the copy that we hold for others, if we do, is treated as it would be by another node. */
  update(item: StoredItem, cas: bigint | undefined, now: number): void {
    const target = targetOf(item.publicKey, item.salt)
    const held = this.held(target, now)
    if (held === undefined || refusal(held, { ...item, cas }, this.options.equalSeq) !== undefined) return
    this.store.set(target, item, now)
  }

  /** The mutable item under the target that is stored at the time, in ms. */
  held(target: Uint8Array, now: number): StoredItem | undefined {
    const held = this.store.get(target, now)
    return held !== undefined && "seq" in held ? held : undefined
  }

  private get stored(): Answer {
    return { _tag: "reply", r: { id: this.options.id } }
  }
}
