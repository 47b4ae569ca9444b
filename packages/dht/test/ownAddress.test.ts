import { assert, describe, it } from "@effect/vitest"
import { SocketAddress } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { isSecureNodeId } from "../src/krpc/nodeId.ts"
import { OwnAddress } from "../src/krpc/OwnAddress.ts"
import { makeUdpNode } from "../src/makeUdpNode.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"
import { simulatedSockets } from "./simulatedSockets.ts"
import { boundSocket, openTable } from "./sockets.ts"

const ours = Uint8Array.of(82, 5, 6, 7, 0, 80)
const wrong = Uint8Array.of(93, 1, 1, 1, 0, 80)
const voter = (n: number) => ({ host: `80.${n}.1.1`, port: 6881 })

describe("OwnAddress", () => {
  it("is certain when ten nodes in ten networks agree", () => {
    const own = new OwnAddress(SocketAddress.reachOf4)
    for (let n = 1; n < 10; n++) assert.isUndefined(own.addVote(voter(n), ours))
    for (let i = 0; i < 20; i++) assert.isUndefined(own.addVote({ host: `80.9.2.${i}`, port: 1 }, ours))
    assert.strictEqual(own.addVote(voter(10), ours), "82.5.6.7")
  })

  it("counts neither private voters nor private addresses, and needs two thirds of the votes", () => {
    const own = new OwnAddress(SocketAddress.reachOf4)
    for (let n = 1; n < 30; n++) assert.isUndefined(own.addVote({ host: `10.${n}.1.1`, port: 1 }, ours))
    for (let n = 1; n < 30; n++) assert.isUndefined(own.addVote(voter(n), Uint8Array.of(192, 168, 1, 1)))
    for (let n = 1; n <= 9; n++) assert.isUndefined(own.addVote(voter(n), wrong))
    for (let n = 101; n <= 117; n++) assert.isUndefined(own.addVote(voter(n), ours))
    assert.strictEqual(own.addVote(voter(118), ours), "82.5.6.7")
  })
})

describe("a node bound to all addresses", () => {
  it.effect("learns its public address from answers and takes an id that BEP 42 allows there", () =>
    Effect.gen(function* () {
      const nodes = yield* Effect.forEach(Array.from({ length: 12 }).keys(), (n) =>
        makeUdpNode({ host: voter(n).host, bootstrap: [] }),
      )
      for (const one of nodes) for (const other of nodes) if (one !== other) one.addNode(other.node)
      const node = yield* makeUdpNode({
        bootstrap: [{ ...nodes[0]!.node, host: voter(0).host }].map(address),
        introduceAfter: 0,
      })
      const ready = yield* Effect.forkChild(node.service.bootstrapped)
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(ready)
      const { port } = yield* node.service.address
      const seen = yield* Effect.forEach(nodes, ({ service }) => service.snapshot)
      const ids = seen.flat().filter((one) => one.host === "82.5.6.7" && one.port === port)
      assert.isAtLeast(ids.length, 10)
      for (const { id, host } of ids) assert.isTrue(isSecureNodeId(id, host))
      assert.isFalse(isSecureNodeId(node.node.id, "82.5.6.7"))
    }).pipe(Effect.provide([simulatedSockets(20, "82.5.6.7"), Crypto.layerTest()])),
  )
})

const address = ({ host, port }: { readonly host: string; readonly port: number }) => ({ host, port })

describe("a routing table whose node takes another id", () => {
  it.effect("keeps its nodes, in buckets around the new id", () =>
    Effect.gen(function* () {
      const generator = makeGenerator(9)
      const table = yield* openTable({ socket: yield* boundSocket(), id: generator.bytes(20) })
      const nodes = Array.from({ length: 30 }, (_, n) => ({ id: generator.bytes(20), host: `10.0.0.${n}`, port: 1 }))
      for (const node of nodes) table.add(node)
      const before = table.size
      const id = generator.bytes(20)
      table.setId(id)
      assert.deepStrictEqual(table.id, id)
      assert.isAtLeast(table.size, before - 5)
      assert.isTrue(table.nodes.every(({ host }) => table.hasHost(host)))
      table.answered({ id }, { host: "10.0.1.1", port: 1 })
      assert.isFalse(table.hasHost("10.0.1.1"))
    }),
  )
})
