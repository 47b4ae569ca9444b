/**
 * The only file that touches bittorrent-dht (11.0.12, with k-rpc and k-bucket).
 *
 * It does for us: k-buckets of 20 nodes with the rule "ping the oldest, and replace it only if it is dead" (BEP 5); a ping of all
 * nodes when the table has not changed for 15 minutes. These use its own timers on the system's clock.
 *
 * It does not: open a socket, bootstrap, look up, get, put, answer queries, store items or peers, or see a datagram that our own checks
 * refused. In place of its socket (k-rpc-socket) it gets {@link KrpcSocketAdapter}, which turns its calls into calls of our
 * {@link KrpcSocket}.
 */
import { EventEmitter } from "node:events"
import { Client, type Contact } from "bittorrent-dht"
import type { Encodable, EncodableDictionary } from "../krpc/bencode.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import type { Reply } from "../krpc/message.ts"
import type { DhtAddress, DhtNode } from "../model.ts"

export interface BittorrentDhtOptions {
  readonly socket: KrpcSocket
  /** Our node id, 20 bytes. */
  readonly id: Uint8Array
  /** Run for each node that entered or left the k-buckets. */
  readonly onAdded: (node: DhtNode) => void
  readonly onRemoved: (node: DhtNode) => void
}

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

export class BittorrentDht {
  readonly #client: Client
  readonly #adapter: KrpcSocketAdapter

  constructor({ id, onAdded, onRemoved, socket }: BittorrentDhtOptions) {
    this.#adapter = new KrpcSocketAdapter(socket)
    this.#client = new Client({
      nodeId: buffer(id),
      bootstrap: false,
      krpcSocket: this.#adapter,
    })
    // Its store of peers has timers, and nothing is put there.
    this.#client._peers.destroy()
    this.#client.nodes.on("added", onAdded)
    this.#client.nodes.on("removed", onRemoved)
    // It reports failures to send and unexpected answers here; our socket has counted them.
    this.#client.on("error", () => {})
    this.#client.on("warning", () => {})
    this.#adapter.emit("listening")
  }

  /** Stops its timers. */
  close(): void {
    this.#client.destroy(() => {})
  }

  get size(): number {
    return this.#client.nodes.count()
  }

  has(id: Uint8Array): boolean {
    return this.#client.nodes.get(buffer(id)) !== null
  }

  /** At most this many nodes closest to the target, closest first. */
  closest(target: Uint8Array, count: number): ReadonlyArray<DhtNode> {
    return this.#client.nodes.closest(target, count)
  }

  get nodes(): ReadonlyArray<DhtNode> {
    return this.#client.nodes.toArray().map(({ id, host, port }) => ({ id: new Uint8Array(id), host, port }))
  }

  add({ host, id, port }: DhtNode): void {
    this.#client.addNode({ id: buffer(id), host, port })
  }

  remove(id: Uint8Array): void {
    this.#client.removeNode(buffer(id))
  }

  /** A node answered under this id: it enters the k-buckets if they have room, or counts as seen now. */
  answered(id: Uint8Array, from: DhtAddress): void {
    this.#adapter.emit("response", { r: { id: buffer(id) } }, { address: from.host, port: from.port })
  }
}

type QueryCallback = (error: Error | null, message: unknown, peer: unknown, query: unknown) => void
type Peer = Partial<Contact> & { readonly address?: string }

/** k-rpc-socket, as far as k-rpc uses it. */
class KrpcSocketAdapter extends EventEmitter {
  /** Queries of k-rpc only: its limit on them must not slow down our lookups. */
  inflight = 0
  readonly #socket: KrpcSocket
  #destroyed = false

  constructor(socket: KrpcSocket) {
    super()
    this.#socket = socket
  }

  query(peer: Peer, query: { readonly q: string; readonly a: object }, callback?: QueryCallback): void {
    const host = peer.address ?? peer.host
    const { port } = peer
    if (this.#destroyed || host === undefined || port === undefined) return
    const from = { address: host, host, port, id: peer.id }
    this.inflight++
    let settled = false
    const settle = (error: Error | null, message: unknown) => {
      if (settled || this.#destroyed) return
      settled = true
      this.inflight--
      callback?.(error, message, from, query)
      this.emit("update")
      this.emit("postupdate")
    }
    this.#socket.query({ host, port }, query.q, encodable(query.a), (event) => {
      if (event._tag === "reply") settle(null, { r: withBuffers(event.reply) })
      else if (event._tag === "error") settle(codedError("the node answered with an error", event.code), null)
      // A ping decides whether a node stays in the table, so it is not over while it is only slow.
      else if (event._tag === "lost" || query.q !== "ping") settle(codedError("no answer in time", "ETIMEDOUT"), null)
    })
  }

  address() {
    return { address: this.#socket.address.host, port: this.#socket.address.port }
  }

  /** Our socket is bound already. */
  bind(): void {}

  /** Our socket is closed by its owner. */
  destroy(callback?: () => void): void {
    this.#destroyed = true
    callback?.()
  }
}

const codedError = (message: string, code: string | number): Error => Object.assign(new Error(message), { code })

/** bittorrent-dht builds its messages of Buffers, numbers, strings and lists of Buffers; nothing else is sent. */
const encodable = (fields: object): EncodableDictionary =>
  Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Encodable] => isEncodable(entry[1])))

const isEncodable = (value: unknown): value is Encodable =>
  value instanceof Uint8Array ||
  typeof value === "string" ||
  Number.isSafeInteger(value) ||
  (Array.isArray(value) && value.every(isEncodable))

/** The fields of an answer that bittorrent-dht reads. */
const withBuffers = ({ id, nodes, token }: Reply) => ({
  id: buffer(id),
  ...(nodes === undefined ? {} : { nodes: buffer(nodes) }),
  ...(token === undefined ? {} : { token: buffer(token) }),
})
