/** Peers that do not keep to the protocol, members whose secret rotates, and the ends of idle things; in memory, under TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { EndpointId, initialSecretHash, type RotationInput } from "@topic-tracker/crypto"
import { SecretRing } from "@topic-tracker/crypto/members"
import type { BiStream, Connection } from "@topic-tracker/gossip"
import { Cause, Effect, Exit, Fiber, Redacted, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { PEERS_ALPN } from "../src/streams/wire.ts"
import { admitAll, inTime, makeMemoryWorld, type TestPeers, until } from "./world.ts"

const test = (
  name: string,
  body: (world: Effect.Success<ReturnType<typeof makeMemoryWorld>>) => Effect.Effect<void, unknown, Scope.Scope>,
) => it.effect(name, () => Effect.flatMap(makeMemoryWorld({ link: () => ({ delayMs: 5 }) }), body))

let raws = 0

/** A connection of the protocol that the test itself speaks on. */
const rawTo = Effect.fnUntraced(function* (world: Effect.Success<ReturnType<typeof makeMemoryWorld>>, to: TestPeers) {
  const id = EndpointId.fromBytes(new Uint8Array(32).fill(100 + raws++))
  let connection: Connection | undefined
  let isClosed = false
  const endpoint = world.network.attach(id)!
  endpoint.handlers.set(PEERS_ALPN, {
    connected: (each) => {
      connection = each
      each.onClosed(() => {
        isClosed = true
      })
    },
    dialFailed: () => {},
  })
  world.network.dial(endpoint, to.endpointId, PEERS_ALPN)
  yield* until(world, "it is connected", () => connection !== undefined)
  return { connection: connection!, isClosed: () => isClosed }
})

const openRaw = Effect.fnUntraced(function* (connection: Connection, first: Uint8Array) {
  const stream = yield* Effect.callback<BiStream>((resume) => {
    connection.openBi((opened) => resume(Effect.succeed(opened!)))
  })
  stream.send.write(first, () => {})
  return stream
})

const received = (stream: BiStream) => {
  const state = { bytes: [] as Array<number>, end: undefined as number | "end" | undefined }
  const read = (): void =>
    stream.receive.read((bytes, code) => {
      if (bytes === undefined) state.end = code ?? "end"
      else {
        state.bytes.push(...bytes)
        read()
      }
    })
  read()
  return state
}

const opening = (topic: Uint8Array, name: string) =>
  Uint8Array.of(0x10, ...topic, name.length, ...new TextEncoder().encode(name))

describe("a peer that does not keep to the protocol", () => {
  test("is disconnected when it sends more than its window", (world) =>
    Effect.gen(function* () {
      const b = yield* world.node({ allow: admitAll })
      yield* b.serve({ protocol: "p" }, () => Effect.never)
      const { connection, isClosed } = yield* rawTo(world, b)
      const stream = yield* openRaw(connection, opening(b.link.gossipTopic, "p"))
      const answer = received(stream)
      yield* until(world, "it is open", () => answer.bytes.length > 0)
      assert.deepStrictEqual(answer.bytes, [0])
      const frame = (length: number) => Uint8Array.of(0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff)
      stream.send.write(frame(65_536), () => {})
      stream.send.write(new Uint8Array(65_536), () => {})
      for (let i = 0; i < 10; i++) yield* world.pass
      assert.isFalse(isClosed())
      stream.send.write(Uint8Array.of(...frame(1), 7), () => {})
      yield* until(world, "it is disconnected", isClosed)
      assert.strictEqual((yield* b.stats).violations, 1)
    }))

  test("gets nothing for bytes that are no frames, no opening, or half an opening", (world) =>
    Effect.gen(function* () {
      const b = yield* world.node({ allow: admitAll })
      yield* b.serve({ protocol: "p" }, () => Effect.never)
      const { connection, isClosed } = yield* rawTo(world, b)
      for (const first of [Uint8Array.of(0x77), opening(b.link.gossipTopic, ""), Uint8Array.of(0x10, 1, 2)]) {
        const answer = received(yield* openRaw(connection, first))
        for (let i = 0; i < 600 && answer.end === undefined; i++) yield* world.pass
        assert.deepStrictEqual(answer, { bytes: [], end: 1_002 })
      }
      const stream = yield* openRaw(connection, opening(b.link.gossipTopic, "p"))
      for (let i = 0; i < 5; i++) yield* world.pass
      stream.send.write(Uint8Array.of(9), () => {})
      yield* until(world, "it is disconnected", isClosed)
    }))

  test("loses its connection when it does not let a stream end", (world) =>
    Effect.gen(function* () {
      const b = yield* world.node({ allow: admitAll })
      yield* b.serve({ protocol: "p" }, () => Effect.void)
      const { connection, isClosed } = yield* rawTo(world, b)
      yield* openRaw(connection, opening(b.link.gossipTopic, "p"))
      yield* TestClock.adjust("9 seconds")
      assert.isFalse(isClosed())
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(isClosed())
    }))

  test("opens no stream in a members-only topic without a proof", (world) =>
    Effect.gen(function* () {
      const b = yield* world.node({ secret: "s" })
      yield* b.serve({ protocol: "p" }, () => Effect.never)
      const { connection } = yield* rawTo(world, b)
      const answer = received(yield* openRaw(connection, opening(b.link.gossipTopic, "p")))
      yield* until(world, "it is answered", () => answer.end !== undefined)
      assert.deepStrictEqual(answer, { bytes: [3], end: "end" })
    }))
})

describe("a peer that opens streams too fast", () => {
  test("is told so, and may open one more a second later", (world) =>
    Effect.gen(function* () {
      const a = yield* world.node()
      const b = yield* world.node({ allow: admitAll, limits: { openingBurst: 3, openingsPerSecond: 1 } })
      yield* b.serve({ protocol: "p" }, () => Effect.void)
      const open = inTime(world, "it ends", Effect.exit(Effect.scoped(a.connect(b.endpointId, { protocol: "p" }))))
      for (let i = 0; i < 3; i++) assert.isTrue(Exit.isSuccess(yield* open))
      const exit = yield* open
      assert.deepInclude(Exit.isFailure(exit) && Cause.squash(exit.cause), { reason: "TooManyStreams" })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(yield* open))
    }))
})

describe("a proof of membership", () => {
  test("is renewed while streams are open, and ends with the secret", (world) =>
    Effect.gen(function* () {
      const topicSecret = initialSecretHash(Redacted.make("s"))
      const rings = [new SecretRing(topicSecret), new SecretRing(topicSecret)]
      const rotationOf = (ring: SecretRing) => ({
        encryptionSeed: ({ topic, unixMinute }: RotationInput) => Effect.sync(() => ring.seed(topic, unixMinute)),
      })
      yield* TestClock.setTime(1_000_000 * 60_000)
      const a = yield* world.node({ secret: "s", rotation: rotationOf(rings[0]!) })
      const b = yield* world.node({ secret: "s", rotation: rotationOf(rings[1]!) })
      yield* b.serve({ protocol: "p" }, () => Effect.never)
      const socket = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "p" }))
      const { pull } = yield* socket.reader
      const pulling = yield* Effect.forkChild(Effect.flip(pull))
      yield* TestClock.adjust("30 minutes")
      assert.isUndefined(pulling.pollUnsafe())
      // From the next minute on b has a new secret, and a is left out.
      rings[1]!.add({
        generation: 1,
        from: 1_000_000 + 31,
        secretHash: initialSecretHash(Redacted.make("the new one")),
      })
      yield* TestClock.adjust("1 minute")
      yield* TestClock.adjust("20 minutes")
      const { reason } = yield* inTime(world, "it ends", Fiber.join(pulling))
      assert.deepInclude(reason, { _tag: "SocketCloseError", code: 4_003 })
      const again = yield* inTime(
        world,
        "no new one opens",
        Effect.flip(Effect.scoped(a.connect(b.endpointId, { protocol: "p" }))),
      )
      assert.include(["NotInTopic", "NotAMember"], again.reason)
    }))
})

describe("what is not used", () => {
  test("goes: connections after a minute, streams and timers at once", (world) =>
    Effect.gen(function* () {
      const [a, b] = [yield* world.node({ allow: admitAll }), yield* world.node({ allow: admitAll })]
      yield* b.serve({ protocol: "p" }, () => Effect.void)
      const before = world.network.size
      yield* inTime(
        world,
        "all are opened",
        Effect.forEach(Array.from({ length: 90 }), () => Effect.scoped(a.connect(b.endpointId, { protocol: "p" })), {
          concurrency: 10,
        }),
      )
      for (let i = 0; i < 10; i++) yield* world.pass
      assert.strictEqual((yield* a.stats).connections, 1)
      assert.strictEqual(world.network.size.timers, before.timers + 2)
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual((yield* a.stats).connections, 0)
      assert.strictEqual(world.network.size.timers, before.timers)
      assert.strictEqual(world.network.size.connections, before.connections)
    }))
})
