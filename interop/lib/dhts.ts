/** DHTs for the tests: of mainline 7 (Rust), libtorrent, ours, and all three mixed. The first node listens on port 6881. */
import { Effect } from "effect"
import type { Host } from "./Lab.ts"
import { start } from "./Program.ts"
import { peer, script, typescript } from "./programs.ts"

/** The nodes of a DHT. */
export interface DhtNodes {
  /** "IP:port" of every node. The first one is the bootstrap node. */
  readonly addresses: ReadonlyArray<string>
  /** The first addresses, as an option of the programs. */
  readonly bootstrap: string
}

const PORT = 6881

interface NodesOptions {
  readonly nodes?: number
  /** Nodes of a DHT to join. Without it these nodes start a new DHT on port 6881. */
  readonly bootstrap?: string
  /** For our nodes: their reaction to a put with the seq that they hold. */
  readonly equalSeq?: "overwrite" | "keep-first"
}

const nodesOf = (kind: string, command: string, ...before: ReadonlyArray<string>) =>
  Effect.fn(`dhts.${kind}`)(function* (host: Host, options: NodesOptions = {}) {
    const args = [...before, "--nodes", String(options.nodes ?? 12), "--bind", host.address]
    const where =
      options.bootstrap === undefined
        ? // On the machine itself a free port: other tests run at the same time, and no name resolves to this DHT.
          ["--port", host.isMachine ? "0" : String(PORT)]
        : ["--bootstrap", options.bootstrap]
    const rule = options.equalSeq === undefined ? [] : ["--equal-seq", options.equalSeq]
    const program = yield* start(host, `${kind} DHT`, command, [...args, ...where, ...rule])
    const { addresses } = yield* program.first("testnet", { within: "60 seconds" })
    const dht: DhtNodes = { addresses, bootstrap: addresses.slice(0, 3).join(",") }
    return dht
  })

/** Nodes of mainline 7. They overwrite an item of the same seq. */
export const mainline = Effect.fn("dhts.mainline")(function* (host: Host, options?: NodesOptions) {
  return yield* nodesOf("mainline", yield* peer, "testnet")(host, options)
})

const libtorrentNodes = nodesOf("libtorrent", "/usr/bin/python3", script("../libtorrent_nodes.py"))

/**
 * Nodes of libtorrent. They keep the first item of a seq. A node returns the 8 closest to a target, also clients that have ended: with more
 * than 4 nodes, some lookups do not find all.
 */
export const libtorrent = (host: Host, options: NodesOptions = {}) => libtorrentNodes(host, { nodes: 4, ...options })

/** Nodes of @topic-tracker/dht. */
export const ours = nodesOf("our", typescript.node, ...typescript.args, "testnet")

/** Nodes of @topic-tracker/dht that keep the first item of a seq. */
export const oursKeepingFirst = (host: Host) => ours(host, { equalSeq: "keep-first" })

/**
 * Four nodes of each kind in one DHT. libtorrent joins through ours: its queries have transaction ids of 2 bytes, and mainline 7 answers
 * only ids of 4 bytes.
 */
export const mixed = Effect.fn("dhts.mixed")(function* (host: Host) {
  const first = yield* mainline(host, { nodes: 4 })
  const second = yield* ours(host, { nodes: 4, bootstrap: first.bootstrap })
  const third = yield* libtorrent(host, { nodes: 4, bootstrap: second.bootstrap })
  const bootstrap = [first, second, third].map(({ addresses }) => addresses[0]).join(",")
  const dht: DhtNodes = { addresses: [first, second, third].flatMap(({ addresses }) => addresses), bootstrap }
  return dht
})
