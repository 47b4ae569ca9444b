/**
 * Answers the queries `get` and `put` of other nodes by the rules of BEP 44. Mutable and immutable items have an {@link ItemStore}
 * each. It knows no socket.
 */
import { SocketAddress } from "@topic-tracker/common"
import { MAX_ENCODED_VALUE_BYTES, MAX_SALT_BYTES } from "@topic-tracker/common/Bep44"
import type { Crypto } from "@topic-tracker/crypto"
import { type EqualSeq, immutableTarget, refusal, type StoredItem, targetOf, verifyItem } from "../bep44/item.ts"
import { decode, type EncodableDictionary, encode } from "../krpc/bencode.ts"
import { COMPACT_NODE_BYTES, encodeNodes } from "../krpc/compactNodes.ts"
import { ErrorCode, type PutImmutable, type PutMutable, type Query } from "../krpc/message.ts"
import type { ReachOf } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import { type Answer, error, reply } from "./Answer.ts"
import { ItemStore } from "./ItemStore.ts"
import type { Tokens } from "./Tokens.ts"

export interface ItemServerOptions {
  /** Our node id. */
  readonly id: () => Uint8Array
  readonly equalSeq: EqualSeq
  readonly crypto: Crypto["Service"]
  readonly tokens: Tokens
  /** Items of each kind, mutable and immutable. */
  readonly maxItems: number
  /** See `HostRules`. */
  readonly reachOf?: ReachOf
  /** The time for which an item is stored after its last put, in ms. BEP 44 asks for at least two hours. */
  readonly ttl: number
  /** The nodes of the routing table closest to a target, closest first, at most this many. */
  readonly closest: (target: Uint8Array, count: number) => ReadonlyArray<DhtNode>
}

/** An immutable item has only its value. */
interface StoredValue {
  readonly encodedValue: Uint8Array
}

/** A longer answer may be fragmented on its way (1,500 bytes of Ethernet, less headers and tunnels). */
const DATAGRAM_BYTES = 1400

/** Everything in an answer to `get` except the nodes and the item: envelope, id, token. */
const REPLY_OVERHEAD_BYTES = 110

/** Nodes named in an answer: mainline clients name 20, BEP 5 asks for 8. */
const MAX_NAMED_NODES = 20
const MIN_NAMED_NODES = 8

export class ItemServer {
  readonly #options: ItemServerOptions
  readonly #mutable: ItemStore<StoredItem>
  readonly #immutable: ItemStore<StoredValue>

  constructor(options: ItemServerOptions) {
    this.#options = options
    const { id, maxItems, reachOf = SocketAddress.reachOf4 } = options
    this.#mutable = new ItemStore({ id, maxItems, reachOf })
    this.#immutable = new ItemStore({ id, maxItems, reachOf })
  }

  /** Stored items. */
  get size(): number {
    return this.#mutable.size + this.#immutable.size
  }

  /** Items that were refused or dropped because there was no room. */
  get dropped(): number {
    return this.#mutable.dropped + this.#immutable.dropped
  }

  /** The answer to a `get`: the stored item, a token, and closer nodes, as many as fit a datagram. `now` in ms. */
  get(a: Extract<Query, { q: "get" }>["a"], from: DhtAddress, now: number): Answer {
    const { closest } = this.#options
    const id = this.#options.id()
    const item = this.#itemFields(this.held(a.target, now) ?? this.#immutable.get(a.target, now), a.seq)
    const room = DATAGRAM_BYTES - REPLY_OVERHEAD_BYTES - encode(item).length
    const count = Math.min(MAX_NAMED_NODES, Math.max(MIN_NAMED_NODES, Math.floor(room / COMPACT_NODE_BYTES)))
    const nodes = encodeNodes(closest(a.target, count))
    return reply({ id, nodes, token: this.#options.tokens.issue(from.host, now), ...item })
  }

  #itemFields(stored: StoredItem | StoredValue | undefined, newerThan: bigint | undefined): EncodableDictionary {
    if (stored === undefined) return {}
    const v = decode(stored.encodedValue)
    if (!("seq" in stored)) return { v }
    const { publicKey, signature, seq } = stored
    // BEP 44: a node that already has this seq does not get the item again.
    return newerThan !== undefined && seq <= newerThan ? { seq } : { v, k: publicKey, sig: signature, seq }
  }

  /** The answer to a `put`. The item is stored if BEP 44 allows it. `now` in ms. */
  put(a: PutMutable | PutImmutable, from: DhtAddress, now: number): Answer {
    if (!this.#options.tokens.accepts(a.token, from.host, now)) return error(ErrorCode.Protocol, "bad token")
    const encodedValue = encode(a.v)
    if (encodedValue.length > MAX_ENCODED_VALUE_BYTES) return error(ErrorCode.ValueTooBig, "value too big")
    if (a.k !== undefined) return this.#putMutable(a, encodedValue, from, now)
    const expiresAt = now + this.#options.ttl
    return this.#answer(this.#immutable.set(immutableTarget(encodedValue), { encodedValue }, from.host, expiresAt, now))
  }

  #putMutable(a: PutMutable, encodedValue: Uint8Array, from: DhtAddress, now: number): Answer {
    const { salt, seq, cas } = a
    if (salt !== undefined && salt.length > MAX_SALT_BYTES) return error(ErrorCode.SaltTooBig, "salt too big")
    const target = targetOf(a.k, salt)
    const refused = refusal(this.held(target, now), { seq, cas, encodedValue }, this.#options.equalSeq)
    if (refused === "cas") return error(ErrorCode.CasMismatch, "CAS mismatch, read again and retry")
    if (refused === "seq") return error(ErrorCode.SeqLessThanCurrent, "sequence number less than current")
    const item = { publicKey: a.k, salt, seq, encodedValue, signature: a.sig }
    if (!verifyItem(this.#options.crypto, item)) return error(ErrorCode.InvalidSignature, "invalid signature")
    return this.#answer(this.#mutable.set(target, item, from.host, now + this.#options.ttl, now))
  }

  #answer(isStored: boolean): Answer {
    return isStored ? reply({ id: this.#options.id() }) : error(ErrorCode.Server, "no room")
  }

  /** We have put this item ourselves: a copy that we store for others is treated as another node would treat it. */
  update(item: StoredItem, cas: bigint | undefined, now: number): void {
    const target = targetOf(item.publicKey, item.salt)
    const held = this.held(target, now)
    if (held === undefined || refusal(held, { ...item, cas }, this.#options.equalSeq) !== undefined) return
    // A held item keeps the host that put it.
    this.#mutable.set(target, item, "", now + this.#options.ttl, now)
  }

  /** The mutable item stored under the target at this time (ms). */
  held(target: Uint8Array, now: number): StoredItem | undefined {
    return this.#mutable.get(target, now)
  }
}
