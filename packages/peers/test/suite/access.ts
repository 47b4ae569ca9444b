/** Callers that are let in, and the errors of those that are not, over every transport. */
import { assert, describe } from "@effect/vitest"
import type { EndpointId } from "@topic-tracker/crypto"
import { Deferred, Effect, Fiber, Schedule, Scope } from "effect"
import { Socket } from "effect/socket"
import type { ConnectOptions } from "../../src/index.ts"
import { admitAll, inTime, type Runner, type TestPeers, until, type World } from "../world.ts"

/** The error of a connect as "reason: message". */
const refusalOf = (world: World, from: TestPeers, to: EndpointId.EndpointId, options: Partial<ConnectOptions> = {}) =>
  Effect.map(
    inTime(
      world,
      "it is refused",
      Effect.flip(Effect.scoped(from.connect(to, { protocol: "p", timeout: "30 seconds", ...options }))),
    ),
    ({ message, reason }) => `${reason}: ${message}`,
  )

const serve = (node: TestPeers) => node.serve({ protocol: "p" }, () => Effect.never)

export const access = (it: Runner): void => {
  describe("an open topic", () => {
    it("admits whom `allow` admits", (world) =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const a = yield* world.node()
        const other = yield* world.node()
        const b = yield* world.node({
          allow: (peer) => Effect.sync(() => asked.push(peer) > 0 && peer === a.endpointId),
        })
        yield* serve(b)
        yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "p" }))
        assert.match(yield* refusalOf(world, other, b.endpointId), /^Refused: .*`allow`/)
        assert.deepStrictEqual(asked, [a.endpointId, other.endpointId])
        assert.strictEqual((yield* b.stats).refused, 1)
      }))

    it("refuses all without `allow`, and says so", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node()]
        yield* serve(b)
        assert.match(yield* refusalOf(world, a, b.endpointId), /^Refused: .*gave no `allow`/)
      }))

    it("a served protocol can admit fewer", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node({ allow: admitAll })]
        yield* b.serve({ protocol: "p", allow: () => Effect.succeed(false) }, () => Effect.never)
        assert.match(yield* refusalOf(world, a, b.endpointId), /^Refused/)
      }))
  })

  describe("a members-only topic", () => {
    it("admits every peer that proves the secret, on the connection itself, in both directions", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node({ secret: "s" }), yield* world.node({ secret: "s" })]
        yield* serve(a)
        yield* serve(b)
        yield* inTime(world, "a connects", a.connect(b.endpointId, { protocol: "p" }))
        yield* inTime(world, "b connects", b.connect(a.endpointId, { protocol: "p" }))
        assert.strictEqual((yield* b.stats).dials, 0)
      }))

    it("refuses a peer with another secret, and one that has an open topic of the same name", (world) =>
      Effect.gen(function* () {
        const b = yield* world.node({ secret: "s" })
        yield* serve(b)
        const stranger = yield* world.node({ secret: "other" })
        assert.match(yield* refusalOf(world, stranger, b.endpointId), /^NotInTopic/)
        const open = yield* world.node()
        assert.match(yield* refusalOf(world, open, b.endpointId), /^NotInTopic/)
        assert.strictEqual((yield* b.stats).accepted, 0)
      }))

    it("`allow` can admit fewer", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node({ secret: "s" })
        const b = yield* world.node({ secret: "s", allow: () => Effect.succeed(false) })
        yield* serve(b)
        assert.match(yield* refusalOf(world, a, b.endpointId), /^Refused/)
      }))
  })

  describe("a caller", () => {
    it("learns what was wrong with its call", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node({ allow: admitAll })]
        const elsewhere = yield* world.node({ topic: "another", allow: admitAll })
        yield* serve(b)
        assert.match(yield* refusalOf(world, a, b.endpointId, { protocol: "unknown" }), /^NotServed: .*protocol/)
        assert.match(yield* refusalOf(world, a, elsewhere.endpointId), /^NotInTopic/)
        assert.match(yield* refusalOf(world, a, "nobody" as EndpointId.EndpointId), /^UnknownMember: peer: "nobody"/)
        assert.match(yield* refusalOf(world, a, a.endpointId), /^InvalidArgument: peer: the id of this node/)
        assert.match(yield* refusalOf(world, a, b.endpointId, { protocol: "" }), /^InvalidArgument: protocol/)
        assert.match(
          yield* refusalOf(world, a, b.endpointId, { protocol: "é".repeat(33) }),
          /^InvalidArgument: protocol/,
        )
        const twice = yield* Effect.flip(serve(b))
        assert.match(twice.message, /served already/)
      }))

    it("learns that a peer takes no streams at all", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.bare]
        assert.match(yield* refusalOf(world, a, b), /^NotServed: .*no Peers/)
      }))

    it("gets Closed after the topic was left, and Left while a call waits", (world) =>
      Effect.gen(function* () {
        let isAsked = false
        const allow = () =>
          Effect.suspend(() => {
            isAsked = true
            return Effect.never
          })
        const [a, b] = [yield* world.node(), yield* world.node({ allow })]
        yield* serve(b)
        const waiting = yield* Effect.forkChild(
          Effect.flip(Effect.scoped(a.connect(b.endpointId, { protocol: "p", timeout: "1 minute" }))),
        )
        yield* until(world, "it waits", () => isAsked)
        yield* a.leave
        const { reason } = yield* inTime(world, "the call ends", Fiber.join(waiting))
        assert.strictEqual(reason, "Left")
        assert.match(yield* refusalOf(world, a, b.endpointId), /^Closed/)
      }))

    it("gets 4001 on its streams when the topic is left", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node({ allow: admitAll })]
        yield* serve(b)
        const socket = yield* inTime(world, "it connects", a.connect(b.endpointId, { protocol: "p" }))
        const { pull } = yield* socket.reader
        yield* b.leave
        const { reason } = yield* inTime(world, "it ends", Effect.flip(pull))
        assert.deepInclude(reason, { _tag: "SocketCloseError", code: 4_001 })
      }))

    it("gets NotInTopic from a peer that leaves the topic while its `allow` is asked", (world) =>
      Effect.gen(function* () {
        const isAsked = yield* Deferred.make<void>()
        const isDecided = yield* Deferred.make<void>()
        const allow = () =>
          Effect.as(Effect.andThen(Deferred.succeed(isAsked, undefined), Deferred.await(isDecided)), true)
        const [a, b] = [yield* world.node(), yield* world.node({ allow })]
        yield* serve(b)
        const refusal = yield* Effect.forkChild(refusalOf(world, a, b.endpointId))
        yield* inTime(world, "it is asked", Deferred.await(isAsked))
        yield* b.leave
        yield* world.pass
        yield* Deferred.succeed(isDecided, undefined)
        assert.match(yield* Fiber.join(refusal), /^NotInTopic/)
      }))

    it("gets TooManyStreams at the peer's limit, and a place when a stream ends", (world) =>
      Effect.gen(function* () {
        const a = yield* world.node()
        const b = yield* world.node({ allow: admitAll, limits: { maxStreamsPerPeer: 2 } })
        yield* serve(b)
        const connect = a.connect(b.endpointId, { protocol: "p" })
        yield* inTime(world, "one", connect)
        const scope = yield* Scope.make()
        yield* inTime(world, "two", connect.pipe(Scope.provide(scope)))
        assert.match(yield* refusalOf(world, a, b.endpointId), /^TooManyStreams/)
        yield* Scope.close(scope, yield* Effect.exit(Effect.void))
        const again = Effect.retry(connect, {
          while: ({ reason }) => reason === "TooManyStreams",
          schedule: Schedule.spaced(50),
        })
        yield* inTime(world, "three", again)
      }))

    it("finds a PeerError as the cause of the open error of `socket`", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* world.node(), yield* world.node({ allow: admitAll })]
        const error = yield* inTime(
          world,
          "it fails",
          Effect.flip(Effect.scoped(a.socket(b.endpointId, { protocol: "p" }).reader)),
        )
        assert.instanceOf(error, Socket.SocketError)
        assert.strictEqual(error.reason._tag, "SocketOpenError")
        assert.deepInclude(error.reason._tag === "SocketOpenError" && error.reason.cause, {
          _tag: "PeerError",
          reason: "NotServed",
          peer: b.endpointId,
          protocol: "p",
        })
      }))
  })
}
