/**
 * The routing table, its upkeep and the answers to ping, find_node, get_peers and announce_peer: bittorrent-dht, behind a
 * socket of ours. The table is filled by our own walks, the first one for our own id: they do not wait for dead nodes and
 * take host names that are still being resolved. This file is the seam. bittorrent-dht gets an object in the shape of k-rpc-socket, over which it sees
 * only what passed our own checks: queries of those four methods, and answers. Into the table comes only a node that has
 * answered us (BEP 5): one that merely asks is pinged first, so that nobody fills the table with addresses by forging them.
 */
import { EventEmitter } from "node:events"
import { Client, type Contact } from "bittorrent-dht"
import { Effect } from "effect"
import type { DhtAddress } from "../Dht.ts"
import type { Encodable, EncodableDictionary } from "../krpc/bencode.ts"
import { addressKey, type KrpcSocket } from "../krpc/KrpcSocket.ts"
import { ErrorCode, type Query, type Reply } from "../krpc/krpcMessage.ts"
import { COMPACT_NODE_LENGTH, compareBytes, type DhtNode, isPrivateHost, nodesPerHost } from "../nodeId.ts"

/** The queries that bittorrent-dht answers. */
export type TableQuery = Extract<Query, { q: "ping" | "find_node" | "get_peers" | "announce_peer" }>

export interface RoutingTableOptions {
  readonly socket: KrpcSocket
  /** 20 bytes. */
  readonly id: Uint8Array
  /** BEP 5: peers of info hashes that others announced to us; both bounds are bittorrent-dht's own options. */
  readonly maxPeers: number
}

/** Announced peers are forgotten after this long, in ms; clients announce again every 15 to 30 minutes. */
const peerMaxAge = 45 * 60_000

/** Pings to nodes that asked us something, open at one time. */
const introductionsMax = 16

/** A query is lost this often in a row before a node leaves the table. */
const lossesMax = 2

/**
 * Nodes and peers in one answer. bittorrent-dht names all it has: kilobytes for a query of a hundred bytes, whose sender may be
 * forged, and more than many take, we among them. Nodes come nearest first, and a walk of ours takes no more of them; peers come in
 * any order. Either fits an unbroken datagram.
 */
const namedMax = { nodes: 32, peers: 100 }

type QueryCallback = (error: Error | null, message: unknown, peer: unknown, query: unknown) => void

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

export class RoutingTable {
  private readonly client: Client
  private readonly seam: Seam
  private readonly options: RoutingTableOptions
  private readonly introductions = new Set<string>()
  /** Losses in a row, of nodes in the table. */
  private readonly losses = new Map<string, number>()
  /** The nodes in the table by address, and how many of each host. */
  private readonly contacts = new Map<string, Contact>()
  private readonly hosts = new Map<string, number>()
  /** Called whenever a node has come into the table. */
  onNode: () => void = () => {}

  private constructor(options: RoutingTableOptions) {
    this.options = options
    this.seam = new Seam(options.socket)
    this.client = new Client({
      nodeId: buffer(options.id),
      bootstrap: false,
      krpcSocket: this.seam,
      maxPeers: options.maxPeers,
      maxAge: peerMaxAge,
    })
    this.client.nodes.on("added", (contact) => this.added(contact))
    this.client.nodes.on("removed", (contact) => this.removed(contact))
    this.client.on("node", () => this.onNode())
    // It reports send failures and odd answers here; the socket has counted them.
    this.client.on("error", () => {})
    this.client.on("warning", () => {})
    this.seam.emit("listening")
  }

  /** The table; its timers stop when the scope ends. The socket must outlive it. */
  static readonly make = (options: RoutingTableOptions) =>
    Effect.acquireRelease(
      Effect.sync(() => new RoutingTable(options)),
      (table) => Effect.callback<void>((resume) => table.client.destroy(() => resume(Effect.void))),
    )

  get size(): number {
    return this.client.nodes.count()
  }

  /** At most this many nodes closest to the target, closest first. */
  closest(target: Uint8Array, count: number): ReadonlyArray<DhtNode> {
    return this.client.nodes.closest(target, count)
  }

  /** All nodes. */
  get nodes(): ReadonlyArray<DhtNode> {
    return this.client.nodes.toArray().map(({ id, host, port }) => ({ id: new Uint8Array(id), host, port }))
  }

  /** Adds a node known to be alive, as in a testnet. */
  add(node: DhtNode): void {
    this.client.addNode({ id: buffer(node.id), host: node.host, port: node.port })
  }

  /**
   * A node answered: it comes into the table, or counts as seen. One address has one place there, under its last id,
   * and one public host eight: who answers under ever new ids near a target would be all that a walk to it begins with.
   */
  answered(reply: Reply, from: DhtAddress): void {
    const key = addressKey(from)
    this.losses.delete(key)
    const before = this.contacts.get(key)
    // Not only when it comes in again: there may be no place for it under the new id.
    if (before !== undefined && compareBytes(before.id, reply.id) !== 0) this.client.removeNode(before.id)
    if (compareBytes(reply.id, this.options.id) === 0) return
    const isCrowded = (this.hosts.get(from.host) ?? 0) >= nodesPerHost && !isPrivateHost(from.host)
    if (isCrowded && !this.contacts.has(key)) return
    this.seam.emit("response", { r: { id: buffer(reply.id) } }, { address: from.host, port: from.port })
  }

  /** A query to the address was lost: the second time in a row its node leaves the table. */
  lost(address: DhtAddress): void {
    const key = addressKey(address)
    const losses = (this.losses.get(key) ?? 0) + 1
    this.losses.set(key, losses)
    if (losses < lossesMax) {
      if (this.losses.size > 1024) this.losses.clear()
      return
    }
    this.losses.delete(key)
    const contact = this.contacts.get(key)
    if (contact !== undefined) this.client.removeNode(contact.id)
  }

  private added(contact: Contact): void {
    const key = addressKey(contact)
    const before = this.contacts.get(key)
    this.contacts.set(key, contact)
    this.hosts.set(contact.host, (this.hosts.get(contact.host) ?? 0) + 1)
    if (before !== undefined) this.client.removeNode(before.id)
  }

  private removed(contact: Contact): void {
    const key = addressKey(contact)
    if (this.contacts.get(key)?.id.equals(contact.id)) this.contacts.delete(key)
    const onHost = (this.hosts.get(contact.host) ?? 0) - 1
    if (onHost > 0) this.hosts.set(contact.host, onHost)
    else this.hosts.delete(contact.host)
  }

  /** Has bittorrent-dht answer the query. */
  serve(query: TableQuery, from: DhtAddress): void {
    // Without the sender's id bittorrent-dht cannot put it into the table.
    const { id: _, ...rest } = query.a
    const a: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(rest)) {
      a[name] = value instanceof Uint8Array ? buffer(value) : Number(value)
    }
    this.seam.emit(
      "query",
      { t: buffer(query.t), y: "q", q: query.q, a },
      { address: from.host, host: from.host, port: from.port },
    )
  }

  /** Someone asked us something: if unknown, it is asked whether it is there (BEP 43: unless it says it is read-only). */
  introduce(id: Uint8Array, from: DhtAddress): void {
    if (this.client.nodes.get(buffer(id)) !== null || this.introductions.size >= introductionsMax) return
    const key = addressKey(from)
    if (this.introductions.has(key) || compareBytes(id, this.options.id) === 0) return
    this.introductions.add(key)
    this.ping(from, () => this.introductions.delete(key))
  }

  /** Asks a node whether it is there; its answer puts it into the table. */
  ping(address: DhtAddress, done: () => void = () => {}): void {
    this.options.socket.query(address, "ping", { id: this.options.id }, (event) => {
      if (event._tag !== "slow") done()
    })
  }
}

/** k-rpc-socket's shape, as far as k-rpc uses it. */
class Seam extends EventEmitter {
  /** k-rpc's own queries only: its bound on them must not throttle our walks. */
  inflight = 0
  private readonly socket: KrpcSocket
  private destroyed = false

  constructor(socket: KrpcSocket) {
    super()
    this.socket = socket
  }

  query(peer: Partial<Contact> & { readonly address?: string }, query: { q: string; a: object }, cb?: QueryCallback) {
    const host = peer.address ?? peer.host
    const { port } = peer
    if (this.destroyed || host === undefined || port === undefined) return
    const from = { address: host, host, port, id: peer.id }
    this.inflight++
    let settled = false
    const settle = (error: Error | null, message: unknown) => {
      if (settled || this.destroyed) return
      settled = true
      this.inflight--
      cb?.(error, message, from, query)
      this.emit("update")
      this.emit("postupdate")
    }
    this.socket.query({ host, port }, query.q, encodable(query.a), (event) => {
      if (event._tag === "reply") settle(null, { r: withBuffers(event.reply) })
      else if (event._tag === "error") settle(codedError("the node answered with an error", event.code), null)
      // A ping decides whether a node stays in the table, so it gets all the time there is; a walk must go on.
      else if (event._tag === "lost" || query.q !== "ping") settle(codedError("no answer in time", "ETIMEDOUT"), null)
    })
  }

  response(peer: { readonly address: string; readonly port: number }, query: { readonly t: Uint8Array }, r: Named) {
    this.socket.reply({ host: peer.address, port: peer.port }, query.t, encodable(withinDatagram(r)))
  }

  error(peer: { readonly address: string; readonly port: number }, query: { readonly t: Uint8Array }, error: unknown) {
    const [code, message] = Array.isArray(error) ? error : []
    this.socket.error(
      { host: peer.address, port: peer.port },
      query.t,
      typeof code === "number" ? code : ErrorCode.Server,
      typeof message === "string" ? message : "error",
    )
  }

  address() {
    return { address: this.socket.address.host, port: this.socket.address.port }
  }

  /** The socket is bound already. */
  bind(): void {}

  /** The socket is closed by the scope that owns it. */
  destroy(callback?: () => void): void {
    this.destroyed = true
    callback?.()
  }
}

const codedError = (message: string, code: string | number): Error => Object.assign(new Error(message), { code })

/** What of an answer grows with what is known. */
interface Named {
  readonly nodes?: Uint8Array
  readonly values?: ReadonlyArray<Uint8Array>
}

const withinDatagram = (r: Named): object => ({
  ...r,
  nodes: r.nodes?.subarray(0, namedMax.nodes * COMPACT_NODE_LENGTH),
  values: r.values?.slice(0, namedMax.peers),
})

/** bittorrent-dht builds its messages of Buffers, numbers, strings and lists of Buffers; nothing else is sent. */
const encodable = (fields: object): EncodableDictionary =>
  Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Encodable] => isEncodable(entry[1])))

const isEncodable = (value: unknown): value is Encodable =>
  value instanceof Uint8Array ||
  typeof value === "string" ||
  Number.isSafeInteger(value) ||
  (Array.isArray(value) && value.every(isEncodable))

/** What bittorrent-dht reads of an answer. */
const withBuffers = ({ id, nodes, token }: Reply) => ({
  id: buffer(id),
  ...(nodes === undefined ? {} : { nodes: buffer(nodes) }),
  ...(token === undefined ? {} : { token: buffer(token) }),
})
