/** The DHTs that nodes meet in: of mainline 7 (Rust), libtorrent, ours, and all three mixed. Each listens on port 6881. */
import { Effect } from "effect"
import { peer } from "./Binary.ts"
import type { Host } from "./Lab.ts"
import { start } from "./Program.ts"
import { script, typescript } from "./typescript.ts"

export interface DhtNodes {
  /** "IP:port" of every node; the first is to be bootstrapped from. */
  readonly addresses: ReadonlyArray<string>
  /** The first few, as an option of the programs. */
  readonly bootstrap: string
}

const port = 6881

interface NodesOptions {
  readonly nodes?: number
  /** Nodes of a DHT to join; without it these are the first, on port 6881. */
  readonly bootstrap?: string
  /** For our nodes: what they do with a put of the seq that they hold. */
  readonly equalSeq?: "overwrite" | "keep-first"
}

const nodesOf = (kind: string, command: string, ...before: ReadonlyArray<string>) =>
  Effect.fn(`dhts.${kind}`)(function* (host: Host, options: NodesOptions = {}) {
    const args = [...before, "--nodes", String(options.nodes ?? 12), "--bind", host.address]
    const where =
      options.bootstrap === undefined
        ? // On the machine itself any port, for other tests run at the same time, and no name leads here anyway.
          ["--port", host.isMachine ? "0" : String(port)]
        : ["--bootstrap", options.bootstrap]
    const rule = options.equalSeq === undefined ? [] : ["--equal-seq", options.equalSeq]
    const program = yield* start(host, `${kind} DHT`, command, [...args, ...where, ...rule])
    const { addresses } = yield* program.first("testnet", { within: "60 seconds" })
    const dht: DhtNodes = { addresses, bootstrap: addresses.slice(0, 3).join(",") }
    return dht
  })

/** Nodes of mainline 7: they overwrite an item of equal seq. */
export const mainline = Effect.fn("dhts.mainline")(function* (host: Host, options?: NodesOptions) {
  return yield* nodesOf("mainline", yield* peer, "testnet")(host, options)
})

const libtorrentNodes = nodesOf("libtorrent", "/usr/bin/python3", script("../libtorrent_nodes.py"))

/**
 * Nodes of libtorrent: they keep the first of equal seq. Each names the 8 closest to a target, clients that are gone among
 * them: of more than 4 nodes, not every walk would find all.
 */
export const libtorrent = (host: Host, options: NodesOptions = {}) => libtorrentNodes(host, { nodes: 4, ...options })

/** Nodes of @topic-tracker/dht. */
export const ours = nodesOf("our", typescript.node, ...typescript.args, "testnet")

export const oursKeepingFirst = (host: Host) => ours(host, { equalSeq: "keep-first" })

/**
 * Four nodes of each kind in one DHT. libtorrent joins by way of ours: it asks with transaction ids of 2 bytes, and
 * mainline 7 answers none but those of 4.
 */
export const mixed = Effect.fn("dhts.mixed")(function* (host: Host) {
  const first = yield* mainline(host, { nodes: 4 })
  const second = yield* ours(host, { nodes: 4, bootstrap: first.bootstrap })
  const third = yield* libtorrent(host, { nodes: 4, bootstrap: second.bootstrap })
  const bootstrap = [first, second, third].map(({ addresses }) => addresses[0]).join(",")
  const dht: DhtNodes = { addresses: [first, second, third].flatMap(({ addresses }) => addresses), bootstrap }
  return dht
})
