import { createSocket, type Socket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtAddress } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { targetOf } from "../src/bep44/item.ts"
import { decode, encode } from "../src/krpc/bencode.ts"
import { ascii, client, newKey, values } from "./clients.ts"
import { boundSocket, openTable } from "./sockets.ts"

interface Datagram {
  readonly t: Uint8Array
  readonly y: Uint8Array
}

/** A node that answers each query under a new id, all very near to the target. */
const changingNode = Effect.fnUntraced(function* (target: Uint8Array) {
  let ids = 0
  const newId = (): Uint8Array => {
    const id = target.slice()
    id[18] = ++ids >> 8
    id[19] = ids & 0xff
    return id
  }
  const socket = yield* Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4", (datagram, { address, port }) => {
        const { t, y } = decode(new Uint8Array(datagram)) as unknown as Datagram
        if (y[0] === 0x71) socket.send(encode({ r: { id: newId() }, t, y: "r" }), port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  )
  /** Sends a query, so that it gets one in return. */
  const askAt = ({ host, port }: DhtAddress) =>
    socket.send(encode({ a: { id: newId() }, q: "ping", t: "t", y: "q" }), port, host)
  return { askAt, answers: () => ids }
})

const publicTable = Effect.gen(function* () {
  return yield* openTable({ socket: yield* boundSocket(), id: new Uint8Array(20) })
})
const idOf = (n: number) => new Uint8Array(20).fill(0x80 + n)

describe("a node with many ids", () => {
  it.live("does not displace the others in the routing table, and so in all lookups of a target", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 20 })
      const { key, salt, at } = yield* newKey
      yield* net.services[0]!.put({ key, salt, seq: 1n, value: ascii("there") })
      const node = yield* changingNode(targetOf(at.publicKey, at.salt))
      const dht = yield* client({ bootstrap: net.addresses })
      yield* dht.bootstrapped
      const address = yield* dht.address
      for (let i = 0; i < 30; i++) {
        const before = node.answers()
        node.askAt(address)
        while (node.answers() < before + 2) yield* Effect.sleep(1)
        yield* Effect.sleep(1)
      }
      assert.deepStrictEqual(yield* values(dht.get(at)), ["there"])
      assert.isAtMost((yield* dht.stats).nodes, 21)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("has one place in the table for each address, under the id of its last answer", () =>
    Effect.gen(function* () {
      const table = yield* publicTable
      const from = { host: "192.0.2.1", port: 1 }
      for (const n of [1, 2, 1, 3]) table.answered({ id: idOf(n) }, from)
      assert.deepStrictEqual(table.nodes, [{ id: idOf(3), ...from }])
    }),
  )

  it.effect("loses its place under an id that it no longer has, also if the table has no place for the new one", () =>
    Effect.gen(function* () {
      const table = yield* publicTable
      const from = { host: "192.0.2.1", port: 1 }
      table.answered({ id: new Uint8Array(20).fill(1) }, from)
      for (let n = 1; n <= 20; n++) table.answered({ id: idOf(n) }, { host: `198.51.100.${n}`, port: 1 })
      assert.strictEqual(table.size, 21)
      table.answered({ id: idOf(21) }, from)
      assert.isFalse(table.nodes.some(({ host }) => host === from.host))
      assert.strictEqual(table.size, 20)
    }),
  )

  it.effect("has at most eight places in the table from one public host; a private host may have many nodes", () =>
    Effect.gen(function* () {
      const table = yield* publicTable
      for (let n = 1; n <= 12; n++) table.answered({ id: idOf(n) }, { host: "192.0.2.1", port: n })
      assert.strictEqual(table.size, 8)
      for (let n = 13; n <= 22; n++) table.answered({ id: idOf(n) }, { host: "10.0.0.1", port: n })
      assert.strictEqual(table.size, 18)
      // A node that leaves the table makes room.
      for (let i = 0; i < 2; i++) table.lost({ host: "192.0.2.1", port: 1 })
      for (const n of [11, 12]) table.answered({ id: idOf(n) }, { host: "192.0.2.1", port: n })
      assert.strictEqual(table.size, 18)
    }),
  )
})

describe("the known nodes of an earlier run", () => {
  it.live("are pinged at the start, sixteen of them", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket()
      const table = yield* openTable({ socket, id: new Uint8Array(20) })
      const silent = yield* boundSocket()
      table.greet(Array.from({ length: 40 }, () => silent.address))
      assert.strictEqual(socket.open, 16)
      // None of them answers; the time-out is 150 ms.
      while (socket.open > 0) yield* Effect.sleep(5)
      assert.strictEqual(socket.counters.packetsSent, 16)
    }),
  )
})
