/**
 * Answers the queries of BEP 5: `ping`, `find_node`, `get_peers` and `announce_peer`. bittorrent-dht could answer them too, but it copies
 * and checks each message several times, which costs more than everything that is done here. It knows no socket.
 */
import { compactAddress, encodeNodes } from "../krpc/compactNodes.ts"
import { ErrorCode, type Query } from "../krpc/message.ts"
import { bytesKey } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import { type Answer, error, reply } from "./Answer.ts"
import type { PeerStore } from "./PeerStore.ts"
import type { Tokens } from "./Tokens.ts"

/** The queries of BEP 5. */
export type PeerQuery = Extract<Query, { q: "ping" | "find_node" | "get_peers" | "announce_peer" }>

export interface PeerServerOptions {
  /** Our node id. */
  readonly id: () => Uint8Array
  readonly peers: PeerStore
  readonly tokens: Tokens
  /** The nodes of the routing table closest to a target, closest first, at most this many. */
  readonly closest: (target: Uint8Array, count: number) => ReadonlyArray<DhtNode>
}

/** Nodes in one answer: they fit one unfragmented datagram, and a lookup of ours takes no more. */
const MAX_NAMED_NODES = 32

export class PeerServer {
  readonly #options: PeerServerOptions

  constructor(options: PeerServerOptions) {
    this.#options = options
  }

  /** The answer to the query; undefined if it gets none. `now` in ms. */
  answer({ a, q }: PeerQuery, from: DhtAddress, now: number): Answer | undefined {
    const { peers, tokens } = this.#options
    const id = this.#options.id()
    // The keys of each answer are in the order of bencoding, which saves the sorting.
    switch (q) {
      case "ping":
        return reply({ id })
      case "find_node":
        return reply({ id, nodes: this.#nodes(a.target) })
      case "get_peers": {
        const token = tokens.issue(from.host, now)
        const values = peers.get(bytesKey(a.info_hash))
        return reply(values.length > 0 ? { id, token, values } : { id, nodes: this.#nodes(a.info_hash), token })
      }
      case "announce_peer": {
        const port = (a.implied_port ?? 0n) === 0n ? Number(a.port) : from.port
        const peer = compactAddress({ host: from.host, port })
        if (port === 0 || peer === undefined) return undefined
        if (!tokens.accepts(a.token, from.host, now)) return error(ErrorCode.Protocol, "bad token")
        peers.add(bytesKey(a.info_hash), peer)
        return reply({ id })
      }
    }
  }

  #nodes(target: Uint8Array): Uint8Array {
    return encodeNodes(this.#options.closest(target, MAX_NAMED_NODES))
  }
}
