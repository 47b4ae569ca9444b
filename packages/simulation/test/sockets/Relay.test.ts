import { createSocket, type RemoteInfo, type Socket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LinkModel } from "../../src/environment/LinkModel.ts"
import { type LinkSettings, perfectLinks } from "../../src/scenario/LinkSettings.ts"
import { Relay, type SocketAddress } from "../../src/sockets/Relay.ts"

const host = "127.0.0.1"
const anyFront: SocketAddress = { host, port: 0 }

/** A real socket on loopback, and the packets it receives. */
const socket = Effect.gen(function* () {
  const got: Array<{ readonly text: string; readonly from: RemoteInfo; readonly at: number }> = []
  const socket = yield* Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4")
      socket.bind(0, host, () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  )
  socket.on("message", (bytes, from) => got.push({ text: bytes.toString(), from, at: performance.now() }))
  const address: SocketAddress = { host, port: socket.address().port }
  const send = (text: string, to: SocketAddress) => Effect.sync(() => socket.send(text, to.port, to.host))
  return { address, got, send }
})

/** Two sockets and a relay between them; the owners are 0 and 1. */
const pair = Effect.fnUntraced(function* (
  policy: (from: number, to: number, bytes: Uint8Array) => ReadonlyArray<number>,
) {
  const relay = yield* Relay.make(policy)
  const [a, b] = [yield* socket, yield* socket]
  const [frontA, frontB] = [
    yield* relay.attachFront(0, a.address, anyFront),
    yield* relay.attachFront(1, b.address, anyFront),
  ]
  return { relay, a: { ...a, front: frontA }, b: { ...b, front: frontB } }
})

const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

const judgeOf = (settings: Partial<LinkSettings>) => {
  const none: LinkSettings["latency"] = { _tag: "Constant", ms: 0 }
  const links = new LinkModel<number>({ ...perfectLinks, latency: none, ...settings }, 1, () => performance.now())
  links.addNode(0, 0)
  links.addNode(1, 1)
  const random = seeded(7)
  return (from: number, to: number, bytes: Uint8Array) => links.copies(from, to, random, bytes.length)
}

/** Waits until the condition holds, or until the test's time-out. */
const until = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) yield* Effect.sleep("2 millis")
  })

/** In bursts that overflow no buffer. */
const burst = (count: number, send: (i: number) => Effect.Effect<void>) =>
  Effect.forEach(
    Array.from({ length: count }).keys(),
    (i) => Effect.andThen(send(i), i % 20 === 19 ? Effect.sleep("1 millis") : Effect.void),
    { discard: true },
  )

describe("Relay", () => {
  it.live("sockets see each other's fronts only, and packets arrive unchanged", () =>
    Effect.gen(function* () {
      const { a, b, relay } = yield* pair(() => [0])
      yield* a.send("from a", b.front)
      yield* until(() => b.got.length === 1)
      assert.strictEqual(b.got[0]!.text, "from a")
      assert.strictEqual(b.got[0]!.from.port, a.front.port)
      yield* b.send("back", { host, port: b.got[0]!.from.port })
      yield* until(() => a.got.length === 1)
      assert.strictEqual(a.got[0]!.from.port, b.front.port)
      assert.deepStrictEqual(relay.counters, { received: 2, lost: 0, sent: 2, strangers: 0, failed: 0 })
    }),
  )

  it.live("drops packets of unknown senders", () =>
    Effect.gen(function* () {
      const { b, relay } = yield* pair(() => [0])
      const stranger = yield* socket
      yield* stranger.send("hello", b.front)
      yield* until(() => relay.counters.strangers === 1)
      assert.strictEqual(relay.counters.sent, 0)
    }),
  )

  it.live("loses the links' share of packets, the same packets for the same seed", () =>
    Effect.gen(function* () {
      const runs = yield* Effect.forEach([1, 2], () =>
        Effect.gen(function* () {
          const { a, b, relay } = yield* pair(judgeOf({ loss: 0.2 }))
          yield* burst(1_000, (i) => a.send(String(i), b.front))
          yield* until(() => relay.counters.received === 1_000 && b.got.length === relay.counters.sent)
          return { lost: relay.counters.lost, texts: b.got.map(({ text }) => text) }
        }).pipe(Effect.scoped),
      )
      // 200, and four standard deviations.
      assert.closeTo(runs[0]!.lost, 200, 51)
      assert.strictEqual(runs[0]!.texts.length, 1_000 - runs[0]!.lost)
      assert.deepStrictEqual(runs[1], runs[0])
    }),
  )

  it.live("delays packets by the links' latency and keeps their order", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pair(judgeOf({ latency: { _tag: "Constant", ms: 40 } }))
      const sent: Array<number> = []
      yield* burst(60, (i) =>
        Effect.andThen(
          Effect.sync(() => void sent.push(performance.now())),
          a.send(String(i), b.front),
        ),
      )
      yield* until(() => b.got.length === 60)
      assert.deepStrictEqual(
        b.got.map(({ text }) => Number(text)),
        sent.map((_, i) => i),
      )
      // Never too early. A busy machine may be late by any time.
      for (const [i, { at }] of b.got.entries()) assert.isAtLeast(at - sent[i]!, 39)
    }),
  )

  it.live("delays some packets, so that later ones overtake them, and sends some twice", () =>
    Effect.gen(function* () {
      const reordered = yield* pair(judgeOf({ reordering: { share: 0.2, delayMs: 30 } }))
      yield* burst(200, (i) => reordered.a.send(String(i), reordered.b.front))
      yield* until(() => reordered.b.got.length === 200)
      const order = reordered.b.got.map(({ text }) => Number(text))
      assert.notDeepEqual(
        order,
        order.toSorted((x, y) => x - y),
      )

      const doubled = yield* pair(judgeOf({ duplication: 0.3 }))
      yield* burst(200, (i) => doubled.a.send(String(i), doubled.b.front))
      yield* until(
        () => doubled.relay.counters.received === 200 && doubled.b.got.length === doubled.relay.counters.sent,
      )
      assert.closeTo(doubled.b.got.length, 260, 26)
      assert.strictEqual(new Set(doubled.b.got.map(({ text }) => text)).size, 200)
    }),
  )

  it.live("a partition in the policy isolates until it ends", () =>
    Effect.gen(function* () {
      let isPartitioned = true
      const { a, b, relay } = yield* pair(() => (isPartitioned ? [] : [0]))
      yield* burst(50, (i) => a.send(String(i), b.front))
      yield* burst(50, (i) => b.send(String(i), a.front))
      yield* until(() => relay.counters.received === 100)
      assert.deepStrictEqual([a.got.length, b.got.length, relay.counters.lost], [0, 0, 100])
      isPartitioned = false
      yield* a.send("again", b.front)
      yield* until(() => b.got.length === 1)
    }),
  )

  it.live("reports the address of a front that cannot be bound; the scope closes all fronts", () =>
    Effect.gen(function* () {
      const taken = yield* socket
      const relay = yield* Relay.make<number>(() => [])
      const error = yield* Effect.flip(relay.attachFront(0, taken.address, taken.address))
      assert.strictEqual(error._tag, "RelayError")
      assert.include(error.message, `127.0.0.1:${taken.address.port}`)
      const front = yield* Effect.scoped(
        Effect.flatMap(
          Relay.make<number>(() => []),
          (inner) => inner.attachFront(0, taken.address, anyFront),
        ),
      )
      yield* relay.attachFront(0, taken.address, front)
    }),
  )
})
