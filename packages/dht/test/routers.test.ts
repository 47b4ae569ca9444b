import { createSocket, type Socket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtAddress, DhtNode } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Duration, Effect } from "effect"
import { targetOf } from "../src/bep44/item.ts"
import { encode } from "../src/krpc/bencode.ts"
import { encodeNodes } from "../src/krpc/compactNodes.ts"
import { parse } from "../src/krpc/message.ts"
import { ascii, client, newKey, silentNode, values } from "./clients.ts"

/** An old router: it knows nodes, and answers each `get` with an error. It ignores the first of the other queries. */
const router = (known: ReadonlyArray<DhtNode>) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const id = new Uint8Array(20).fill(7)
      const nodes = encodeNodes(known)
      let isFirst = true
      const socket = createSocket("udp4", (datagram, { address, port }) => {
        const message = parse(datagram)
        if (message?.y !== "q") return
        const { q, t } = message
        if (q === "get") return socket.send(encode({ e: [204, "method unknown"], t, y: "e" }), port, address)
        if (!isFirst) setTimeout(() => socket.send(encode({ r: { id, nodes }, t, y: "r" }), port, address), 20)
        isFirst = false
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  ).pipe(Effect.map((socket): DhtAddress => ({ host: "127.0.0.1", port: socket.address().port })))

describe("a bootstrap node that knows nodes but no items", () => {
  it.live("is asked for nodes too, although its refusal comes first", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 3 })
      const { key, salt, at } = yield* newKey
      yield* net.services[0]!.put({ key, salt, seq: 1n, value: ascii("x") })
      const dht = yield* client({ bootstrap: [yield* router(yield* net.services[0]!.snapshot)] })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["x"])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})

/** A node that names dead nodes around the first id it was asked for and around the target, and live ones elsewhere. */
const nodeAmongDead = (target: Uint8Array, dead: ReadonlyArray<DhtNode>, live: ReadonlyArray<DhtNode>) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const id = new Uint8Array(20).fill(7)
      let own: Uint8Array | undefined
      const socket = createSocket("udp4", (datagram, { address, port }) => {
        const message = parse(datagram)
        if (message === undefined || message.y !== "q") return
        const asked = "target" in message.a ? (message.a.target as Uint8Array) : id
        own ??= asked
        const isNear = [target, own].some((near) => Bytes.equals(near, asked))
        const r = { id, nodes: encodeNodes(isNear ? dead : live) }
        socket.send(encode({ r, t: message.t, y: "r" }), port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  ).pipe(Effect.map((socket): DhtAddress => ({ host: "127.0.0.1", port: socket.address().port })))

describe("a bootstrap node that names only dead nodes", () => {
  it.live("is asked for the nodes around other places too", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 20 })
      const { key, salt, at } = yield* newKey
      const target = targetOf(at.publicKey, salt)
      yield* net.services[0]!.put({ key, salt, seq: 1n, value: ascii("x") })
      const dead = yield* Effect.forEach(Array.from({ length: 20 }).keys(), (n) => silentNode(target.with(19, n)))
      const bootstrap = [yield* nodeAmongDead(target, dead, yield* net.services[0]!.snapshot)]
      const dht = yield* client({ bootstrap, roundTripFloor: Duration.millis(50) })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["x"])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
