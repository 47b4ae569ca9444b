import { createSocket, type Socket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtConfig, MutableKey } from "@topic-tracker/dht"
import { DhtTestnet, MemoryDht } from "@topic-tracker/dht/testing"
import { Deferred, Duration, Effect, Fiber, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { targetOf } from "../src/bep44/item.ts"
import { decode, encode } from "../src/krpc/bencode.ts"
import { ascii, client, MAX, newKey, silentNode, text, values } from "./clients.ts"

/** A node as far from the key's target as possible: a lookup waits for it last. */
const silentNodeFarFrom = ({ publicKey, salt }: MutableKey) =>
  silentNode(targetOf(publicKey, salt).map((byte) => 255 - byte))

/** A node with this id, and its answer to each query. */
const answering = (id: Uint8Array, answer: (q: string) => { readonly id: Uint8Array; readonly token?: string }) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4", (datagram, { address, port }) => {
        const { q, t } = decode(new Uint8Array(datagram)) as { readonly q: Uint8Array; readonly t: Uint8Array }
        socket.send(encode({ r: answer(text(q)), t, y: "r" }), port, address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  ).pipe(Effect.map((socket) => ({ id, host: "127.0.0.1", port: socket.address().port })))

/** A client of nodes of which one is silent. No node is slow within a second, so that the first lookup takes as long. */
const patient = Effect.fnUntraced(function* (at: MutableKey, options: Partial<DhtConfig.DhtOptions> = {}) {
  const net = yield* DhtTestnet.make({ nodes: 12 })
  const bootstrap = [net.addresses[0]!]
  const dht = yield* client({ bootstrap, knownNodes: [yield* silentNodeFarFrom(at)], ...options })
  return { dht, other: yield* client({ bootstrap }) }
})

describe("the nearest nodes, before a lookup is over", () => {
  it.live("run onNearest of a get once, after its items were read", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const { dht, other } = yield* patient(at)
      yield* other.put({ key, salt, seq: MAX, value: ascii("x") })
      const seen: Array<string> = []
      const onNearest = { nodes: 8, run: () => void seen.push("answered") }
      const began = performance.now()
      yield* dht.get(at, { onNearest }).pipe(
        Stream.runForEach(() =>
          Effect.gen(function* () {
            // Longer than the other nodes take to answer.
            yield* Effect.sleep(100)
            seen.push("item taken")
          }),
        ),
      )
      assert.isAtLeast(performance.now() - began, 900)
      assert.deepStrictEqual(seen, ["item taken", "answered"])
      const tooMany = { nodes: 13, run: () => void seen.push("all answered") }
      assert.deepStrictEqual(yield* values(dht.get(at, { onNearest: tooMany })), ["x"])
      assert.strictEqual(seen.length, 2)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("are counted when a get is over, by whether they have answered", () =>
    Effect.gen(function* () {
      const { at } = yield* newKey
      const { dht } = yield* patient(at)
      const counts: Array<readonly [number, number]> = []
      const onOver = (answered: number, silent: number) => void counts.push([answered, silent])
      yield* values(dht.get(at, { onOver }))
      assert.deepStrictEqual(counts, [[12, 1]])
      // A reader that leaves at once has no counts of nodes yet.
      const reading = yield* Effect.forkChild(Stream.runDrain(dht.get((yield* newKey).at, { onOver })), {
        startImmediately: true,
      })
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(counts[1] ?? [0, 0], [0, 0])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("have an item while a put still looks up the others; then these get it too", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const { dht } = yield* patient(at)
      let storedAt = 0
      const run = () => {
        storedAt = performance.now()
      }
      const onStored = { nodes: 8, run }
      const receipt = yield* dht.put({ key, salt, seq: MAX, value: ascii("x"), onStored })
      assert.deepStrictEqual(receipt, { stored: 12, asked: 12 })
      assert.isAtLeast(performance.now() - storedAt, 700)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("and the others get an item also if their lookup takes longer than a get may", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const { dht } = yield* patient(at, { getTimeout: Duration.millis(300) })
      const receipt = yield* dht.put({ key, salt, seq: MAX, value: ascii("x") })
      assert.deepStrictEqual(receipt, { stored: 12, asked: 12 })
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("are asked for a put before the others, and asked again while the lookup is running", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const { dht } = yield* patient(at)
      const isStored = yield* Deferred.make<void>()
      const onStored = { nodes: 4, run: () => Deferred.doneUnsafe(isStored, Effect.void) }
      const put = yield* Effect.forkChild(dht.put({ key, salt, seq: MAX, value: ascii("x"), onStored }))
      yield* Deferred.await(isStored)
      assert.deepStrictEqual(yield* values(dht.get(at, { nodes: 4 })), ["x"])
      assert.isUndefined(put.pollUnsafe())
      yield* Fiber.join(put)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("are replaced by the next ones if they answer under another id than before", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const target = targetOf(at.publicKey, salt)
      const net = yield* DhtTestnet.make({ nodes: 12 })
      yield* net.services[0]!.put({ key, salt, seq: MAX, value: ascii("x") })
      let isAnother = 0
      const knownNodes = yield* Effect.forEach([1, 2, 3, 4], (n) => {
        const id = target.map((byte, i) => (i === 19 ? byte ^ n : byte))
        const idNow = () => id.map((byte, i) => (i === 0 ? byte ^ isAnother : byte))
        return answering(id, () => ({ id: idNow(), token: "t" }))
      })
      const dht = yield* client({ bootstrap: net.addresses, knownNodes })
      assert.deepStrictEqual(yield* values(dht.get(at)), ["x"])
      isAnother = 0x80
      assert.deepStrictEqual(yield* values(dht.get(at, { nodes: 4 })), ["x"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("do not run onStored if the put was interrupted before they had stored the item", () =>
    Effect.gen(function* () {
      const { key, salt } = yield* newKey
      const isAsked = yield* Deferred.make<void>()
      const id = new Uint8Array(20).fill(1)
      const node = yield* answering(id, (q) => {
        if (q === "put") Deferred.doneUnsafe(isAsked, Effect.void)
        return { id, token: "t" }
      })
      const dht = yield* client({ bootstrap: [], host: "127.0.0.1", knownNodes: [node] })
      let runs = 0
      const onStored = { nodes: 1, run: () => void runs++ }
      const put = yield* Effect.forkChild(dht.put({ key, salt, seq: MAX, value: ascii("x"), onStored }))
      yield* Deferred.await(isAsked)
      yield* Fiber.interrupt(put)
      yield* Effect.sleep(100)
      assert.strictEqual(runs, 0)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("get no put if they gave no token", () =>
    Effect.gen(function* () {
      const { key, salt, at } = yield* newKey
      const target = targetOf(at.publicKey, salt)
      const net = yield* DhtTestnet.make({ nodes: 6 })
      const answered: Array<string> = []
      const knownNodes = yield* Effect.forEach([1, 2, 3, 4], (n) => {
        const id = target.map((byte, i) => (i === 19 ? byte ^ n : byte))
        return answering(id, (q) => {
          answered.push(q)
          return { id }
        })
      })
      const dht = yield* client({ bootstrap: net.addresses, knownNodes })
      const onStored = { nodes: 4, run: () => {} }
      const receipt = yield* dht.put({ key, salt, seq: MAX, value: ascii("x"), onStored })
      assert.deepStrictEqual(receipt, { stored: 6, asked: 6 })
      assert.deepStrictEqual(new Set(answered), new Set(["ping", "get"]))
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("answer in memory in the same order as on the wire", () =>
    Effect.gen(function* () {
      const network = yield* MemoryDht.make({ latency: (chance) => (chance < 0.85 ? 10 : 500) })
      const dht = yield* network.client()
      const { key, salt, at } = yield* newKey
      const seen: Array<string> = []
      const note = (what: string) => Effect.sync(() => void seen.push(what))
      const onNearest = { nodes: 4, run: () => void seen.push("four answered") }
      const onStored = { nodes: 4, run: () => void seen.push("four stored") }
      const get = Stream.runDrain(dht.get(at, { onNearest })).pipe(Effect.andThen(note("all answered")))
      const put = dht.put({ key, salt, seq: 1n, value: ascii("x"), onStored }).pipe(Effect.tap(note("all stored")))
      const both = yield* Effect.forkChild(Effect.all([get, put], { concurrency: 2 }))
      for (let ms = 0; ms < 3000; ms++) yield* TestClock.adjust("1 millis")
      const [, { stored }] = yield* Fiber.join(both)
      assert.strictEqual(stored, 20)
      assert.deepStrictEqual(seen, ["four answered", "four stored", "all answered", "all stored"])
    }).pipe(Effect.provide(Crypto.layerTest()), Random.withSeed("near1")),
  )
})
