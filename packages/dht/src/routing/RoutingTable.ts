/**
 * The rules of the routing table: only a node that has answered us enters it (BEP 5), one for each address and a few for each
 * public host; a node that only asks is pinged first, so that forged addresses do not fill the table; a node that loses two
 * queries in a row leaves. Our own lookups fill the table, the first of them for our own id. The k-buckets are bittorrent-dht's: see
 * `BittorrentDht.ts`.
 */
import { BoundedMap, Bytes } from "@topic-tracker/common"
import { addressKey, type KrpcSocket } from "../krpc/KrpcSocket.ts"
import type { Reply } from "../krpc/message.ts"
import { isPrivateHost, MAX_NODES_PER_HOST, type ReachOf } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import { BittorrentDht } from "./BittorrentDht.ts"

export interface RoutingTableOptions {
  readonly socket: KrpcSocket
  /** Our node id, 20 bytes, at the start. */
  readonly id: Uint8Array
  /** Runs whenever a node has entered the table. */
  readonly onNode?: () => void
  /** See `HostRules`. */
  readonly reachOf?: ReachOf
}

/** Pings to nodes that asked us something, open at the same time. */
const MAX_INTRODUCTIONS = 16

/** Losses in a row after which a node leaves the table. */
const MAX_LOSSES = 2

/** Nodes of earlier runs that are pinged at the start. Lookups prove the others, as far as they need them. */
const MAX_GREETINGS = 16

/** Addresses whose losses are counted. */
const MAX_LOST_ADDRESSES = 1024

export class RoutingTable {
  #buckets: BittorrentDht
  #id: Uint8Array
  readonly #options: RoutingTableOptions
  readonly #introductions = new Set<string>()
  /** Losses in a row, by address. */
  readonly #losses = new BoundedMap<string, number>(MAX_LOST_ADDRESSES)
  /** The nodes in the table by address, and how many each host has. */
  readonly #contacts = new Map<string, DhtNode>()
  readonly #hosts = new Map<string, number>()

  /** The socket must outlive the table. Run {@link close} at the end. */
  constructor(options: RoutingTableOptions) {
    this.#options = options
    this.#id = options.id
    this.#buckets = this.#openBuckets()
  }

  #openBuckets(): BittorrentDht {
    const { socket } = this.#options
    return new BittorrentDht({
      socket,
      id: this.#id,
      onAdded: (node) => this.#added(node),
      onRemoved: (node) => this.#removed(node),
    })
  }

  /** Our node id, 20 bytes. */
  get id(): Uint8Array {
    return this.#id
  }

  /** We take another id: the nodes are put into new buckets around it. */
  setId(id: Uint8Array): void {
    const { nodes } = this.#buckets
    this.#buckets.close()
    this.#contacts.clear()
    this.#hosts.clear()
    this.#id = id
    this.#buckets = this.#openBuckets()
    for (const node of nodes) this.#buckets.add(node)
  }

  /** Stops the upkeep of the table. */
  close(): void {
    this.#buckets.close()
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Whether a node of the host is in the table, and so has answered us. */
  hasHost(host: string): boolean {
    return this.#hosts.has(host)
  }

  /** At most this many nodes closest to the target, closest first. */
  closest(target: Uint8Array, count: number): ReadonlyArray<DhtNode> {
    return this.#buckets.closest(target, count)
  }

  get nodes(): ReadonlyArray<DhtNode> {
    return this.#buckets.nodes
  }

  /** Adds a node that is known to be alive, as in a testnet. */
  add(node: DhtNode): void {
    this.#buckets.add(node)
  }

  /**
   * A node answered: it enters the table, or counts as seen. One address has one place there, under its last id, and one public
   * host has eight: a node that answers under ever new ids near a target would otherwise be all that a lookup begins with.
   */
  answered(reply: Reply, from: DhtAddress): void {
    const key = addressKey(from)
    this.#losses.delete(key)
    const before = this.#contacts.get(key)
    // The old id is removed even if the table has no place for the new one.
    if (before !== undefined && !Bytes.equals(before.id, reply.id)) this.#buckets.remove(before.id)
    if (Bytes.equals(reply.id, this.#id)) return
    const { reachOf } = this.#options
    const isCrowded = (this.#hosts.get(from.host) ?? 0) >= MAX_NODES_PER_HOST && !isPrivateHost(from.host, reachOf)
    if (isCrowded && !this.#contacts.has(key)) return
    this.#buckets.answered(reply.id, from)
  }

  /** A query to the address was lost. After the second time in a row its node leaves the table. */
  lost(address: DhtAddress): void {
    const key = addressKey(address)
    const losses = (this.#losses.get(key) ?? 0) + 1
    if (losses < MAX_LOSSES) {
      this.#losses.set(key, losses)
      return
    }
    this.#losses.delete(key)
    const contact = this.#contacts.get(key)
    if (contact !== undefined) this.#buckets.remove(contact.id)
  }

  #added(node: DhtNode): void {
    const key = addressKey(node)
    const before = this.#contacts.get(key)
    this.#contacts.set(key, node)
    this.#hosts.set(node.host, (this.#hosts.get(node.host) ?? 0) + 1)
    if (before !== undefined) this.#buckets.remove(before.id)
    this.#options.onNode?.()
  }

  #removed(node: DhtNode): void {
    const key = addressKey(node)
    const contact = this.#contacts.get(key)
    if (contact !== undefined && Bytes.equals(contact.id, node.id)) this.#contacts.delete(key)
    const onHost = (this.#hosts.get(node.host) ?? 0) - 1
    if (onHost > 0) this.#hosts.set(node.host, onHost)
    else this.#hosts.delete(node.host)
  }

  /** A node asked us something: if it is unknown, it is pinged. Not for a node that is read-only (BEP 43). */
  introduce(id: Uint8Array, from: DhtAddress): void {
    if (this.#buckets.has(id) || this.#introductions.size >= MAX_INTRODUCTIONS) return
    const key = addressKey(from)
    if (this.#introductions.has(key) || Bytes.equals(id, this.#id)) return
    this.#introductions.add(key)
    this.ping(from, () => this.#introductions.delete(key))
  }

  /** Pings the first of these nodes. */
  greet(nodes: ReadonlyArray<DhtAddress>): void {
    for (const node of nodes.slice(0, MAX_GREETINGS)) this.ping(node)
  }

  /** Pings a node; its answer puts it into the table. */
  ping(address: DhtAddress, done: () => void = () => {}): void {
    this.#options.socket.query(address, "ping", { id: this.#id }, (event) => {
      if (event._tag !== "slow") done()
    })
  }
}
