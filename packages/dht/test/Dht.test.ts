import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtError, GetOptions, MutableItem } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Duration, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { decodeNodes } from "../src/krpc/compactNodes.ts"
import type { QueryEvent } from "../src/krpc/KrpcSocket.ts"
import { parse } from "../src/krpc/message.ts"
import { ascii, client, MAX, newKey, silentNode, text, values } from "./clients.ts"
import { boundSocket } from "./sockets.ts"

const silentNodes = (count: number, onDatagram: (datagram: Uint8Array) => void) =>
  Effect.forEach(Array.from({ length: count }), (_, i) => silentNode(new Uint8Array(20).fill(i), onDatagram))

describe("Dht over UDP", () => {
  it.live("one client gets what another puts, with seq 2^63 - 1, salt and cas", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 24 })
      // Read-only: a client that others treat as a node may be among the closest for one put, and not for the next.
      const options = { bootstrap: [net.addresses[0]!], readOnly: true }
      const [alice, bob] = [yield* client(options), yield* client(options)]
      const { key, salt, at } = yield* newKey
      assert.deepStrictEqual(yield* values(alice.get(at)), [])
      const receipt = yield* alice.put({ key, salt, seq: MAX, cas: MAX, value: ascii("one") })
      assert.deepStrictEqual(receipt, { stored: 20, asked: 20 })
      const items = [...(yield* Stream.runCollect(bob.get(at)))]
      assert.strictEqual(items.length, 1)
      assert.deepInclude(items[0]!, { seq: MAX, salt, publicKey: key.publicKey })
      assert.strictEqual(text(items[0]!.value), "one")
      assert.strictEqual(items[0]!.signature.length, 64)
      // Without salt it is another target.
      assert.deepStrictEqual(yield* values(bob.get({ publicKey: key.publicKey })), [])
      yield* bob.put({ key, salt, seq: MAX, cas: MAX, value: ascii("two") })
      assert.deepStrictEqual(yield* values(alice.get(at)), ["two"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("asks few nodes before the first has answered", () =>
    Effect.gen(function* () {
      let gets = 0
      const silent = yield* silentNodes(12, (datagram) => {
        const message = parse(datagram)
        if (message?.y === "q" && message.q === "get") gets++
      })
      const dht = yield* client({ bootstrap: [], knownNodes: silent, roundTripInitial: Duration.seconds(5) })
      const { at } = yield* newKey
      yield* Effect.forkScoped(Stream.runDrain(dht.get(at)))
      while (gets === 0) yield* Effect.sleep(1)
      yield* Effect.sleep(50)
      assert.strictEqual(gets, 4)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("asks all known nodes although each has kept the lookup before waiting", () =>
    Effect.gen(function* () {
      const asked = new Map<string, number>()
      const silent = yield* silentNodes(4, (datagram) => {
        const message = parse(datagram)
        if (message?.y !== "q" || message.q !== "get" || !("target" in message.a)) return
        const target = Bytes.toHex(message.a.target)
        asked.set(target, (asked.get(target) ?? 0) + 1)
      })
      const options = { roundTripFloor: Duration.millis(20), roundTripInitial: Duration.millis(20) }
      const dht = yield* client({ bootstrap: [], knownNodes: silent, ...options })
      for (let lookup = 1; lookup <= 2; lookup++) {
        yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(dht.get((yield* newKey).at))))
        while (asked.size < lookup) yield* Effect.sleep(1)
        yield* Effect.sleep(100)
      }
      assert.deepStrictEqual([...asked.values()], [4, 4])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live(
    "a get with the option nodes asks a few, once a lookup has found them, and a later put still reaches all",
    () =>
      Effect.gen(function* () {
        const net = yield* DhtTestnet.make({ nodes: 24 })
        const bootstrap = [net.addresses[0]!]
        const [alice, bob] = [yield* client({ bootstrap }), yield* client({ bootstrap })]
        const { key, salt, at } = yield* newKey
        const sentBy = Effect.fnUntraced(function* (get: Stream.Stream<MutableItem, DhtError>) {
          const before = (yield* bob.stats).packetsSent
          const found = yield* values(get)
          return { found, sent: (yield* bob.stats).packetsSent - before }
        })
        const first = yield* sentBy(bob.get(at, { nodes: 3 }))
        assert.isAtLeast(first.sent, 20)
        yield* alice.put({ key, salt, seq: MAX, cas: MAX, value: ascii("one") })
        const again = yield* sentBy(bob.get(at, { nodes: 3 }))
        assert.deepStrictEqual(again.found, ["one"])
        assert.isAtMost(again.sent, 6)
        const receipt = yield* bob.put({ key, salt, seq: MAX, cas: MAX, value: ascii("two") })
        assert.deepStrictEqual(receipt, { stored: 20, asked: 20 })
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("onStored runs once, when the given number of nodes has stored the item, and not if fewer do", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 6 })
      const { key, salt } = yield* newKey
      const dht = yield* client({ bootstrap: [net.addresses[0]!] })
      const seen: Array<string> = []
      const onStored = (nodes: number) => ({ nodes, run: () => void seen.push(`${nodes} stored`) })
      const item = { key, salt, seq: 1n, value: ascii("x") }
      assert.strictEqual((yield* dht.put({ ...item, onStored: onStored(2) })).stored, 6)
      seen.push("all")
      yield* dht.put({ ...item, onStored: onStored(7) })
      assert.deepStrictEqual(seen, ["2 stored", "all"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("a get finds every distinct value that a node holds", () =>
    Effect.gen(function* () {
      const keeping = yield* DhtTestnet.make({ nodes: 4, equalSeq: "keep-first" })
      const { key, salt, at } = yield* newKey
      const inOne = yield* client({ bootstrap: [keeping.addresses[0]!] })
      yield* inOne.put({ key, salt, seq: MAX, value: ascii("first") })
      const error = yield* Effect.flip(inOne.put({ key, salt, seq: MAX, value: ascii("second") }))
      assert.strictEqual(error.reason, "Rejected")
      assert.include(error.message, "302")
      // Nodes that hold nothing yet join, and only they accept the put.
      const late = yield* DhtTestnet.make({ nodes: 3 })
      const inBoth = yield* client({ bootstrap: [keeping.addresses[0]!, late.addresses[0]!] })
      const receipt = yield* inBoth.put({ key, salt, seq: MAX, value: ascii("second") })
      assert.isAtLeast(receipt.stored, 3)
      assert.isBelow(receipt.stored, receipt.asked)
      const reader = yield* client({ bootstrap: [keeping.addresses[0]!, late.addresses[0]!] })
      assert.deepStrictEqual(yield* values(reader.get(at)), ["first", "second"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("another cas and an older seq are rejected with BEP 44's codes", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 5 })
      const dht = yield* client({ bootstrap: [net.addresses[0]!] })
      const { key } = yield* newKey
      yield* dht.put({ key, seq: 5n, value: ascii("x") })
      const cas = yield* Effect.flip(dht.put({ key, seq: 6n, cas: 4n, value: ascii("y") }))
      assert.deepInclude(cas, { reason: "Rejected" })
      assert.include(cas.message, "301")
      const seq = yield* Effect.flip(dht.put({ key, seq: 4n, value: ascii("y") }))
      assert.include(seq.message, "302")
      yield* dht.put({ key, seq: 6n, cas: 5n, value: ascii("y") })
      const negative = yield* newKey
      yield* dht.put({ key: negative.key, seq: -(2n ** 63n), value: ascii("z") })
      assert.deepStrictEqual(yield* values(dht.get(negative.at)), [])
      assert.deepStrictEqual(yield* values(dht.get({ publicKey: negative.key.publicKey })), ["z"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("invalid arguments are named before anything is sent", () =>
    Effect.gen(function* () {
      const dht = yield* client({ bootstrap: [] })
      const { key } = yield* newKey
      const put = (request: object) => Effect.flip(dht.put({ key, seq: 1n, value: ascii("x"), ...request }))
      const get = (options: GetOptions) => Effect.flip(Stream.runDrain(dht.get(key, options)))
      const errors = [
        [yield* put({ value: new Uint8Array(996) }), "value: 996 bytes"],
        [yield* put({ salt: new Uint8Array(65) }), "salt: 65 bytes"],
        [yield* put({ seq: MAX + 1n }), "seq: "],
        [yield* put({ cas: -MAX - 2n }), "cas: "],
        [yield* Effect.flip(Stream.runDrain(dht.get({ publicKey: new Uint8Array(31) }))), "publicKey: 31 bytes"],
        [yield* get({ nodes: 0 }), "nodes: 0; must be an integer of at least 1"],
        [yield* get({ onNearest: { nodes: 1.5, run: () => {} } }), "onNearest.nodes: 1.5"],
        [yield* put({ onStored: { nodes: -1, run: () => {} } }), "onStored.nodes: -1"],
        [yield* Effect.flip(client({ k: 0 })), "k"],
        [yield* Effect.flip(client({ port: 70_000 })), "port"],
      ] as const
      for (const [error, message] of errors) {
        assert.strictEqual(error.reason, "InvalidArgument")
        assert.include(error.message, message)
      }
      assert.strictEqual((yield* dht.stats).packetsSent, 0)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("finds everything stored although half of the nodes in all tables are dead", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 30 })
      const { key, salt, at } = yield* newKey
      const writer = yield* client({ bootstrap: [net.addresses[0]!] })
      yield* writer.put({ key, salt, seq: MAX, value: ascii("x") })
      for (let i = 1; i < 30; i += 2) yield* net.stop(i)
      const reader = yield* client({ bootstrap: [net.addresses[0]!], roundTripFloor: Duration.millis(100) })
      assert.deepStrictEqual(yield* values(reader.get(at)), ["x"])
      const receipt = yield* reader.put({ key, salt, seq: MAX, value: ascii("y") })
      assert.isAtLeast(receipt.stored, 14)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("gets of one key at the same time share one lookup, and each receives every item", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const dht = yield* client({ bootstrap: [net.addresses[0]!] })
      const { key, salt, at } = yield* newKey
      yield* dht.put({ key, salt, seq: MAX, value: ascii("x") })
      const before = (yield* dht.stats).lookups
      const all = yield* Effect.all(
        Array.from({ length: 20 }, () => values(dht.get(at))),
        { concurrency: "unbounded" },
      )
      assert.deepStrictEqual(all, Array(20).fill(["x"]))
      assert.strictEqual((yield* dht.stats).lookups - before, 1)
      // A get that ends early takes nothing from the others.
      const [first, rest] = yield* Effect.all([values(Stream.take(dht.get(at), 1)), values(dht.get(at))], {
        concurrency: "unbounded",
      })
      assert.deepStrictEqual([first, rest], [["x"], ["x"]])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("handles two hundred keys at once over one socket, within the limit of open queries", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 10 })
      const dht = yield* client({ bootstrap: [net.addresses[0]!], maxOpenQueries: 32 })
      const keys = yield* Effect.forEach(Array.from({ length: 200 }), () => newKey)
      const receipts = yield* Effect.forEach(
        keys,
        ({ key, salt }, i) => dht.put({ key, salt, seq: BigInt(i), value: ascii(`${i}`) }),
        { concurrency: "unbounded" },
      )
      assert.isTrue(receipts.every(({ stored }) => stored > 0))
      const reader = yield* client({ bootstrap: [net.addresses[0]!], maxOpenQueries: 32 })
      const found = yield* Effect.forEach(keys, ({ at }) => values(reader.get(at)), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        found,
        keys.map((_, i) => [`${i}`]),
      )
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("clients serve each other: no other node is needed", () =>
    Effect.gen(function* () {
      const alice = yield* client({ bootstrap: [], host: "127.0.0.1" })
      const bob = yield* client({ bootstrap: [yield* alice.address] })
      const { key, salt, at } = yield* newKey
      yield* bob.bootstrapped
      yield* bob.put({ key, salt, seq: MAX, value: ascii("x") })
      assert.strictEqual((yield* alice.stats).itemsStored, 1)
      assert.deepStrictEqual(yield* values(bob.get(at)), ["x"])
      assert.deepStrictEqual(yield* values(alice.get(at)), ["x"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("answers the queries of BEP 5, and the unknown ones with an error", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 6 })
      const socket = yield* boundSocket({
        roundTripFloor: 1000,
        roundTripInitial: 1000,
        roundTripCeiling: 5000,
        isReadOnly: () => true,
      })
      const id = new Uint8Array(20).fill(1)
      const target = new Uint8Array(20).fill(2)
      const ask = (method: string, a: Record<string, Uint8Array | number>) =>
        Effect.callback<QueryEvent>((resume) =>
          socket.query(net.addresses[0]!, method, { id, ...a }, (event) => resume(Effect.succeed(event))),
        )
      const reply = Effect.fnUntraced(function* (method: string, a: Record<string, Uint8Array | number>) {
        const event = yield* ask(method, a)
        assert(event._tag === "reply", `${method}: ${JSON.stringify(event)}`)
        return event.reply
      })
      const { id: nodeId } = yield* reply("ping", {})
      assert.strictEqual(nodeId.length, 20)
      const { nodes } = yield* reply("find_node", { target })
      assert.deepStrictEqual(
        decodeNodes(nodes!, "127.0.0.1")
          .map(({ port }) => port)
          .sort(),
        net.addresses
          .slice(1)
          .map(({ port }) => port)
          .sort(),
      )
      const { token, values: none } = yield* reply("get_peers", { info_hash: target })
      assert.isUndefined(none)
      yield* reply("announce_peer", { info_hash: target, port: 0x1234, token: token! })
      const { values: peers } = yield* reply("get_peers", { info_hash: target })
      assert.deepStrictEqual(peers, [Uint8Array.of(127, 0, 0, 1, 0x12, 0x34)])
      const forged = { info_hash: target, port: 1, token: new Uint8Array(20) }
      assert.deepStrictEqual(yield* ask("announce_peer", forged), { _tag: "error", code: 203 })
      assert.deepStrictEqual(yield* ask("vote", {}), { _tag: "error", code: 204 })
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect(
    "makes the first attempt at once, then as many retries as configured, with base delay and jitter between",
    () =>
      Effect.gen(function* () {
        const dht = yield* client({ bootstrap: [], host: "127.0.0.1", retries: 3 })
        const { at } = yield* newKey
        const fiber = yield* Effect.forkChild(Effect.flip(Stream.runDrain(dht.get(at))))
        const lookups = Effect.map(dht.stats, (stats) => stats.lookups)
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* lookups, 1)
        yield* TestClock.adjust("4999 millis")
        assert.strictEqual((yield* lookups) - 1, 1, "the lookup of its own id came after one second, no retry yet")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* lookups, 5)
        assert.strictEqual((yield* Fiber.join(fiber)).reason, "NoNodes")
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("when its scope ends, waiting gets fail with Closed and no handle is left", () =>
    Effect.gen(function* () {
      const before = process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length
      const { at, key } = yield* newKey
      const dht = yield* Effect.scoped(
        Effect.gen(function* () {
          const net = yield* DhtTestnet.make({ nodes: 5 })
          yield* net.stop(1)
          const silent = yield* client({
            bootstrap: [net.addresses[1]!],
            roundTripCeiling: Duration.minutes(1),
            roundTripInitial: Duration.minutes(1),
          })
          const alive = yield* client({ bootstrap: [net.addresses[0]!] })
          yield* alive.put({ key, seq: 1n, value: ascii("x") })
          const waiting = yield* Effect.forkDetach(Effect.flip(Stream.runDrain(silent.get(at))))
          while ((yield* silent.stats).packetsSent === 0) yield* Effect.sleep(1)
          return { silent, waiting }
        }),
      )
      assert.strictEqual((yield* Fiber.join(dht.waiting)).reason, "Closed")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(dht.silent.get(at)))).reason, "Closed")
      assert.strictEqual((yield* Effect.flip(dht.silent.put({ key, seq: 1n, value: ascii("x") }))).reason, "Closed")
      // libuv reports a handle until it has gone round its loop.
      const left = () => process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length
      for (let turn = 0; turn < 100 && left() > before; turn++) yield* Effect.sleep(1)
      assert.isAtMost(left(), before)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("when its scope ends, puts that wait for the query scheduler fail with Closed too", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const ended = yield* Scope.fork(yield* Effect.scope)
      const net = yield* DhtTestnet.make({ nodes: 3 })
      const dht = yield* client({
        bootstrap: net.addresses,
        maxOpenQueries: 1,
        roundTripFloor: Duration.minutes(1),
        roundTripCeiling: Duration.minutes(1),
      }).pipe(Scope.provide(ended))
      yield* Stream.runDrain(dht.get(at))
      for (let i = 0; i < 3; i++) yield* net.stop(i)
      const { packetsSent } = yield* dht.stats
      const put = yield* Effect.forkChild(Effect.flip(dht.put({ key, salt, seq: 1n, value: ascii("x") })))
      while ((yield* dht.stats).packetsSent === packetsSent) yield* Effect.sleep(1)
      const began = performance.now()
      yield* Scope.close(ended, Exit.void)
      assert.strictEqual((yield* Fiber.join(put)).reason, "Closed")
      assert.isBelow(performance.now() - began, 2000)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
