/** Hostile DHT nodes on real sockets, placed beside a target. */
import { createSocket, type Socket } from "node:dgram"
import type { SigningKey } from "@topic-tracker/crypto"
import { Crypto } from "@topic-tracker/crypto"
import { Effect } from "effect"
import { signable } from "../src/bep44/item.ts"
import { encode } from "../src/krpc/bencode.ts"
import { encodeNodes } from "../src/krpc/compactNodes.ts"
import { parse, type Query } from "../src/krpc/message.ts"
import type { DhtNode } from "../src/model.ts"
import { type Generator, makeGenerator } from "../src/testing/memory/generator.ts"
import { ascii } from "./clients.ts"

/**
 * All answer pings, name each other, and confirm puts without storing them. `silent` ones answer no get; `garbage` ones return a
 * signed item; `madeUp` ones name 32 nodes nearer to the target that do not exist.
 */
export type HostileMode = "silent" | "garbage" | "madeUp"

export interface HostileOptions {
  readonly mode: HostileMode
  readonly target: Uint8Array
  /** The key of the items under the target, which everybody knows. */
  readonly key: SigningKey
  readonly salt: Uint8Array
  readonly hosts: ReadonlyArray<string>
  readonly count: number
  readonly seed: number
}

const bound = (host: string) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4")
      socket.bind(0, host, () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  )

/** A random id that agrees with the target in the first bytes. */
const near = (target: Uint8Array, bytes: number, generator: Generator) => {
  const id = generator.bytes(20)
  id.set(target.subarray(0, bytes))
  return id
}

/** Starts the nodes, which end with the scope. */
export const startHostile = Effect.fnUntraced(function* (options: HostileOptions) {
  const { count, hosts, key, mode, salt, seed, target } = options
  const generator = makeGenerator(seed)
  const sockets = yield* Effect.forEach(Array.from({ length: count }).keys(), (i) => bound(hosts[i % hosts.length]!))
  const nodes = sockets.map((socket): DhtNode => {
    const { address: host, port } = socket.address()
    return { id: near(target, 5, generator), host, port }
  })
  const v = ascii("garbage")
  const sig = (yield* Crypto).sign(key, signable(salt, 2n, encode(v)))
  const item = mode === "garbage" ? { k: key.publicKey, seq: 2n, sig, v } : {}
  sockets.forEach((socket, i) => {
    const { id } = nodes[i]!
    const madeUp = Array.from({ length: 32 }, () => ({
      id: near(target, 8, generator),
      host: `127.${100 + Math.floor(generator.next() * 50)}.${Math.floor(generator.next() * 250)}.1`,
      port: 1024 + Math.floor(generator.next() * 60_000),
    }))
    const named = encodeNodes(mode === "madeUp" ? madeUp : nodes)
    const answerTo = ({ q }: Query) => {
      if (q === "get") return mode === "silent" ? undefined : { id, nodes: named, token: "t", ...item }
      if (q === "put") return mode === "silent" ? undefined : { id }
      return { id, nodes: encodeNodes(nodes) }
    }
    socket.on("message", (datagram, { address, port }) => {
      const message = parse(datagram)
      if (message?.y !== "q" || !("a" in message)) return
      const r = answerTo(message as Query)
      if (r !== undefined) socket.send(encode({ r, t: message.t, y: "r" }), port, address)
    })
  })
  return nodes
})
