/** DHTs for the tests: of mainline 7 and 8 (Rust), two versions of libtorrent, ours, and some of them mixed. The first node listens on port 6881. */
import { Effect } from "effect"
import type { Host } from "./Lab.ts"
import { start } from "./Program.ts"
import { peer, pythonPackages, script, typescript } from "./programs.ts"

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
  /** For our nodes: every second one does not know get and put. */
  readonly withoutItems?: "error" | "silence"
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
    const share = options.withoutItems === undefined ? [] : ["--without-items", options.withoutItems]
    const program = yield* start(host, `${kind} DHT`, command, [...args, ...where, ...rule, ...share])
    const { addresses } = yield* program.first("testnet", { within: "60 seconds" })
    const dht: DhtNodes = { addresses, bootstrap: addresses.slice(0, 3).join(",") }
    return dht
  })

/** Nodes of mainline 7. They overwrite an item of the same seq. */
export const mainline = Effect.fn("dhts.mainline")(function* (host: Host, options?: NodesOptions) {
  return yield* nodesOf("mainline", yield* peer, "testnet")(host, options)
})

/** Nodes of mainline 8. They overwrite an item of the same seq. */
export const mainline8 = Effect.fn("dhts.mainline8")(function* (host: Host, options?: NodesOptions) {
  return yield* nodesOf("mainline 8", yield* peer, "testnet", "--mainline", "8")(host, options)
})

const libtorrentNodes = (...args: ReadonlyArray<string>) => {
  const start = nodesOf("libtorrent", "/usr/bin/python3", script("../libtorrent_nodes.py"), ...args)
  return (host: Host, options: NodesOptions = {}) => start(host, { nodes: 4, ...options })
}

/**
 * Nodes of libtorrent. They keep the first item of a seq. A node returns the 8 closest to a target, also clients that have ended: with more
 * than 4 nodes, some lookups do not find all.
 */
export const libtorrent = libtorrentNodes()

/** As {@link libtorrent}, of the newest version, which Debian does not have yet. */
export const newestLibtorrent = libtorrentNodes("--packages", pythonPackages)

/** Nodes of @topic-tracker/dht. */
export const ours = nodesOf("our", typescript.node, ...typescript.args, "testnet")

/** Nodes of @topic-tracker/dht that keep the first item of a seq. */
export const oursKeepingFirst = (host: Host) => ours(host, { equalSeq: "keep-first" })

/** 60 of our nodes, of which 30 do not know get and put: they answer with error 204 or not at all. */
export const halfWithoutItems = (withoutItems: "error" | "silence") => (host: Host) =>
  ours(host, { nodes: 60, withoutItems })

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
