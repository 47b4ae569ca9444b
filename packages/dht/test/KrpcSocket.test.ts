import { createSocket, type Socket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decode, encode } from "../src/krpc/bencode.ts"
import type { KrpcSocket, QueryEvent } from "../src/krpc/KrpcSocket.ts"
import type { DhtAddress } from "../src/model.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"
import { boundSocket } from "./sockets.ts"

const id = new Uint8Array(20).fill(1)

/** A bare socket in the role of another node. */
const other = Effect.acquireRelease(
  Effect.callback<Socket>((resume) => {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
  }),
  (socket) => Effect.callback<void>((resume) => void socket.close(() => resume(Effect.void))),
)
const addressOf = (socket: Socket): DhtAddress => ({ host: socket.address().address, port: socket.address().port })
const received = (socket: Socket) =>
  Effect.callback<{ readonly t: Uint8Array; readonly ro?: bigint }>((resume) => {
    socket.once("message", (datagram) => resume(Effect.succeed(decode(new Uint8Array(datagram)) as never)))
  })
const send = (from: Socket, to: DhtAddress, datagram: Uint8Array) =>
  Effect.callback<void>((resume) => from.send(Buffer.from(datagram), to.port, to.host, () => resume(Effect.void)))

/** Sends a query and collects its events. */
const ping = (socket: KrpcSocket, to: DhtAddress) => {
  const events: Array<QueryEvent["_tag"]> = []
  let wake = () => {}
  socket.query(to, "ping", { id }, (event) => {
    events.push(event._tag)
    wake()
  })
  const until = (tag: QueryEvent["_tag"]) =>
    Effect.callback<void>((resume) => {
      wake = () => {
        if (events.includes(tag)) resume(Effect.void)
      }
      wake()
    })
  return { events, until }
}

describe("KrpcSocket", () => {
  it.live("counts malformed datagrams, throws for none, and goes on serving", () =>
    Effect.gen(function* () {
      let queries = 0
      const socket = yield* boundSocket({ onQuery: () => queries++ })
      const attacker = yield* other
      const generator = makeGenerator(7)
      const pick = (length: number) => Math.floor(generator.next() * length)
      const valid = encode({ t: "abcd", y: "q", q: "get", a: { id, target: id } })
      const poison = new TextEncoder().encode("d1:ad6:targeti5ee1:q3:get1:t2:aa1:y1:qe")
      const datagrams: Array<Uint8Array> = [
        poison,
        new Uint8Array(0),
        new Uint8Array(5000),
        new Uint8Array(60_000).fill(0x6c),
      ]
      while (datagrams.length < 2000) {
        const damaged = valid.slice()
        for (let damage = pick(8); damage >= 0; damage--) damaged[pick(damaged.length)] = pick(256)
        datagrams.push(generator.next() < 0.5 ? damaged : generator.bytes(pick(200)))
      }
      for (const [i, datagram] of datagrams.entries()) {
        yield* send(attacker, socket.address, datagram)
        // The kernel's buffer is finite: the receiver must keep up, so that every datagram is read.
        while (i % 50 === 49 && socket.counters.packetsReceived <= i) yield* Effect.sleep(1)
      }
      yield* send(attacker, socket.address, valid)
      while (socket.counters.packetsReceived < datagrams.length + 1) yield* Effect.sleep(2)
      assert.isAbove(queries, 0)
      assert.strictEqual(queries + socket.counters.packetsMalformed + socket.counters.packetsUnexpected, 2001)
      assert.isAbove(socket.counters.packetsMalformed, 1000)
    }),
  )

  it.live("uses transaction ids of 4 bytes that are not consecutive", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket()
      const node = yield* other
      const ids = new Set<string>()
      for (let i = 0; i < 8; i++) {
        ping(socket, addressOf(node))
        const { t } = yield* received(node)
        assert.strictEqual(t.length, 4)
        ids.add(String(t.slice(0, 2)))
      }
      assert.isAbove(ids.size, 4)
    }),
  )

  it.live("accepts an answer only once, from the address asked, with the id sent", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket({ roundTripCeiling: 5000, roundTripInitial: 5000 })
      const node = yield* other
      const liar = yield* other
      const query = ping(socket, addressOf(node))
      const { t } = yield* received(node)
      const answer = (t: Uint8Array) => encode({ t, y: "r", r: { id } })
      yield* send(liar, socket.address, answer(t))
      yield* send(node, socket.address, answer(Uint8Array.of(t[0]! ^ 1, t[1]!, t[2]!, t[3]!)))
      yield* send(node, socket.address, answer(t.slice(0, 2)))
      yield* send(node, socket.address, answer(t))
      yield* query.until("reply")
      yield* send(node, socket.address, answer(t))
      while (socket.counters.packetsUnexpected < 4) yield* Effect.sleep(2)
      assert.deepStrictEqual(query.events, ["reply"])
      assert.strictEqual(socket.open, 0)
    }),
  )

  it.live("times out a query in two steps, and accepts its answer in between", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket({ roundTripCeiling: 400 })
      const node = yield* other
      const silent = ping(socket, addressOf(node))
      yield* silent.until("lost")
      assert.deepStrictEqual(silent.events, ["slow", "lost"])
      const late = ping(socket, addressOf(node))
      const { t } = yield* received(node)
      yield* late.until("slow")
      yield* send(node, socket.address, encode({ t, y: "e", e: [202, "busy"] }))
      yield* late.until("error")
      assert.deepStrictEqual(late.events, ["slow", "error"])
    }),
  )

  it.live("avoids an address that leaves two queries unanswered, also if its time-out is the ceiling", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket({ roundTripFloor: 100, roundTripCeiling: 100 })
      const node = yield* other
      const answered = ping(socket, addressOf(node))
      const { t } = yield* received(node)
      yield* send(node, socket.address, encode({ t, y: "r", r: { id } }))
      yield* answered.until("reply")
      for (const isUnresponsive of [false, true]) {
        const { until } = ping(socket, addressOf(node))
        yield* until("lost")
        assert.strictEqual(socket.isUnresponsive(addressOf(node)), isUnresponsive)
      }
    }),
  )

  it.live("times out no query before it has read the datagrams that arrived while the event loop stood still", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket({ roundTripFloor: 150, roundTripInitial: 1000, roundTripCeiling: 1000 })
      const nodes = yield* Effect.forEach(Array.from({ length: 100 }), () => other)
      let stall = 0
      let asked = 0
      for (const node of nodes) {
        node.on("message", (datagram, from) => {
          const { t } = decode(new Uint8Array(datagram)) as { readonly t: Uint8Array }
          node.send(encode({ t, y: "r", r: { id } }), from.port, from.address)
          if (++asked % nodes.length > 0) return
          // The stall begins after the last answer is sent.
          setTimeout(() => {
            for (const until = performance.now() + stall; performance.now() < until; ) {}
          })
        })
      }
      const askAll = Effect.suspend(() => {
        const queries = nodes.map((node) => ping(socket, addressOf(node)))
        return Effect.map(
          Effect.forEach(queries, ({ until }) => until("reply")),
          () => queries.flatMap(({ events }) => events),
        )
      })
      yield* askAll
      stall = 400
      assert.deepStrictEqual(new Set(yield* askAll), new Set(["reply"]))
    }),
  )

  it.live("sends the read-only flag, and a query that the system refuses to send is lost at once", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket({ isReadOnly: () => true, roundTripCeiling: 60_000, roundTripInitial: 60_000 })
      const node = yield* other
      ping(socket, addressOf(node))
      assert.strictEqual((yield* received(node)).ro, 1n)
      // A socket bound to loopback cannot send elsewhere.
      const unreachable = ping(socket, { host: "203.0.113.1", port: 9 })
      yield* unreachable.until("lost")
      assert.strictEqual(socket.counters.sendFailures, 1)
    }),
  )

  it.live("names the port in use when it fails to bind", () =>
    Effect.gen(function* () {
      const socket = yield* boundSocket()
      const { port } = socket.address
      const error = yield* Effect.flip(boundSocket({ port }))
      assert.strictEqual(error.reason, "Bind")
      assert.include(error.message, `port ${port} is in use`)
    }),
  )

  it.live("loses the open queries and frees the port when its scope ends", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const { socket, port } = yield* Effect.scoped(
        Effect.gen(function* () {
          const socket = yield* boundSocket()
          socket.query({ host: "127.0.0.1", port: 9 }, "ping", { id }, (event) => events.push(event._tag))
          return { socket, port: socket.address.port }
        }),
      )
      assert.deepStrictEqual(events, ["lost"])
      assert.deepStrictEqual(socket.address, { host: "127.0.0.1", port })
      yield* Effect.scoped(boundSocket({ port }))
    }),
  )
})
