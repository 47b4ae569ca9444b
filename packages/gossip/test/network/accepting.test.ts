/** Which incoming connections an endpoint accepts. */
import { createSocket } from "node:dgram"
import { assert, describe, it, vi } from "@effect/vitest"
import { Incoming } from "@number0/iroh"
import { SocketAddress } from "@topic-tracker/common"
import { Crypto, type EndpointId, Identity } from "@topic-tracker/crypto"
import { Context, Effect, Layer } from "effect"
import { AddressLookup, Gossip } from "../../src/index.ts"
import { Admission, type Network, networkOf } from "../../src/transport/iroh/Admission.ts"
import { type OpenConnection, OpenConnections } from "../../src/transport/iroh/OpenConnections.ts"
import { bareConnect, bareEndpoint } from "./bareIroh.ts"

const ip = (addr: string) => networkOf({ kind: "ip", addr })

describe("the network of an incoming connection", () => {
  it("is an IPv4 address or 64 bits of an IPv6 address", () => {
    assert.strictEqual(ip("1.2.3.4:5").key, ip("1.2.3.4:6").key)
    assert.strictEqual(ip("[::ffff:1.2.3.4]:5").key, ip("1.2.3.4:5").key)
    assert.notStrictEqual(ip("1.2.3.4:5").key, ip("1.2.3.5:5").key)
    assert.strictEqual(ip("[2606:4700:1:2::1]:5").key, ip("[2606:4700:1:2:3:4:5:6]:5").key)
    assert.notStrictEqual(ip("[2606:4700:1:2::1]:5").key, ip("[2606:4700:1:3::1]:5").key)
    assert.deepStrictEqual(ip("1.2.3.4:5").limits, { handshakes: 16, connections: 64 })
  })

  it("is larger for loopback and for a relay", () => {
    assert.isAbove(ip("127.0.0.1:5").limits.handshakes, 16)
    assert.strictEqual(ip("127.0.0.1:5").key, ip("[::1]:5").key)
    const relayed = networkOf({ kind: "relay", addr: "https://relay.example/", endpointId: "x" })
    assert.isAbove(relayed.limits.handshakes, 16)
  })
})

describe("Admission", () => {
  it("begins 32 handshakes without proof of the address, and lets further peers show theirs", () => {
    const admission = new Admission()
    const ends = Array.from({ length: 32 }, () => {
      assert.isTrue(admission.hasUnprovenPlace)
      return admission.beginUnproven()
    })
    assert.isFalse(admission.hasUnprovenPlace)
    // They take nothing from the share of a host: their addresses may be forged.
    assert.isTrue(admission.hasPlace(ip("1.1.1.1:1")))
    ends[0]!()
    ends[0]!()
    assert.isTrue(admission.hasUnprovenPlace)
    admission.beginUnproven()
    assert.isFalse(admission.hasUnprovenPlace)
  })

  it("gives a host 16 of 256 handshakes with a proof", () => {
    const admission = new Admission()
    const ends = Array.from({ length: 16 }, () => admission.beginProven(ip("1.1.1.1:1")))
    assert.isFalse(admission.hasPlace(ip("1.1.1.1:1")))
    assert.isTrue(admission.hasPlace(ip("1.1.1.2:1")))
    ends[3]!()
    assert.isTrue(admission.hasPlace(ip("1.1.1.1:1")))
    for (let i = 0; i < 241; i++) admission.beginProven(ip(`2.2.${i}.1:1`))
    assert.isFalse(admission.hasPlace(ip("1.1.1.1:1")))
    assert.isTrue(admission.hasUnprovenPlace)
  })
})

describe("OpenConnections", () => {
  const make = () => {
    const used = new Set<OpenConnection>()
    const closed: Array<OpenConnection> = []
    const connections = new OpenConnections<OpenConnection>((connection) => used.has(connection))
    const connection = (): OpenConnection => {
      const one: OpenConnection = { remoteId: "" as EndpointId.EndpointId, giveUp: () => closed.push(one) }
      return one
    }
    const accept = (network: Network) => {
      const one = connection()
      return { one, isAdded: connections.addAccepted(one, network) }
    }
    return { accept, closed, connection, connections, used }
  }

  it("closes the oldest connection of a host that is not in use for a new one, from 64 on", () => {
    const { accept, closed, connections, used } = make()
    const other = accept(ip("9.9.9.9:1"))
    const accepted = Array.from({ length: 64 }, () => accept(ip("1.1.1.1:1")).one)
    assert.lengthOf(closed, 0)
    used.add(accepted[0]!)
    assert.isTrue(accept(ip("1.1.1.1:1")).isAdded)
    assert.deepStrictEqual(closed, [accepted[1]])
    assert.strictEqual(connections.replaced, 1)
    for (const one of accepted) used.add(one)
    assert.isTrue(accept(ip("1.1.1.1:1")).isAdded, "in the place of the newest")
    for (const one of connections.all) if (one !== other.one) used.add(one)
    assert.isFalse(accept(ip("1.1.1.1:1")).isAdded, "all are in use")
    connections.remove(accepted[0]!)
    assert.isTrue(accept(ip("1.1.1.1:1")).isAdded)
    assert.isFalse(closed.includes(other.one))
  })

  it("has room for 8,192 connections, and closes no dialled one for a new one", () => {
    const { accept, closed, connection, connections } = make()
    const dialled = connection()
    connections.addDialled(dialled)
    const first = accept(ip("1.1.1.1:1")).one
    for (let i = 0; i < 8_190; i++) accept(ip(`2.${i >> 8}.${i & 255}.1:1`))
    assert.lengthOf(closed, 0)
    assert.isTrue(accept(ip("3.3.3.3:1")).isAdded)
    assert.deepStrictEqual(closed, [first])
  })
})

/** Passes packets on to the address, and drops what comes back. */
const oneWayRelay = (to: SocketAddress.SocketAddress) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const [front, back] = [createSocket("udp4"), createSocket("udp4")]
      await Promise.all([front, back].map((socket) => new Promise<void>((done) => socket.bind(0, "127.0.0.1", done))))
      front.on("message", (packet) => back.send(packet, to.port, to.ip.join(".")))
      return { address: `127.0.0.1:${front.address().port}`, sockets: [front, back] }
    }),
    ({ sockets }) => Effect.sync(() => sockets.forEach((socket) => void socket.close())),
  )

describe("an endpoint with few handshakes in progress", () => {
  it.live(
    "accepts a connection without questions to the binding, of which each takes a change of threads",
    Effect.fnUntraced(function* () {
      const questions = ["remoteAddr", "remoteAddrValidated"] as const
      const asked = questions.map((name) => vi.spyOn(Incoming.prototype, name))
      yield* Effect.addFinalizer(() => Effect.sync(() => asked.forEach((spy) => void spy.mockRestore())))
      const context = yield* Layer.build(
        Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
          Layer.provide([AddressLookup.layerNone(), Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))]),
        ),
      )
      const gossip = Context.get(context, Gossip)
      const { direct } = yield* gossip.address
      const { endpointId } = gossip
      const held: Array<unknown> = []
      for (let i = 1; i <= 5; i++) {
        const peer = yield* bareEndpoint
        held.push(yield* Effect.promise(() => bareConnect(peer, { endpointId, direct })))
        while ((yield* gossip.stats).connections < held.length) yield* Effect.sleep(5)
      }
      for (const spy of asked) assert.lengthOf(spy.mock.calls, 0)
    }),
    { timeout: 30_000 },
  )
})

describe("an endpoint with 256 handshakes that are never finished", () => {
  it.live(
    "lets an honest peer in within a second",
    () =>
      Effect.gen(function* () {
        const context = yield* Layer.build(
          Gossip.layerIroh({ bind: "127.0.0.1:0" }).pipe(
            Layer.provide([AddressLookup.layerNone(), Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))]),
          ),
        )
        const gossip = Context.get(context, Gossip)
        const { direct } = yield* gossip.address
        const own = direct.map(SocketAddress.parse).find((address) => address?.ip.length === 4)
        const relay = yield* oneWayRelay(own!)
        const attacker = yield* bareEndpoint
        for (let i = 0; i < 256; i++) {
          bareConnect(attacker, { endpointId: gossip.endpointId, direct: [relay.address] }).catch(() => {})
        }
        yield* Effect.sleep(1_500)
        assert.isAtLeast((yield* gossip.stats).retriedHandshakes, 200, "the attack ran")
        for (let i = 0; i < 5; i++) {
          const honest = yield* bareEndpoint
          const beganAt = performance.now()
          yield* Effect.promise(() => bareConnect(honest, { endpointId: gossip.endpointId, direct }))
          assert.isBelow(performance.now() - beganAt, 1_000)
        }
        assert.strictEqual((yield* gossip.stats).refusedHandshakes, 0)
      }),
    { timeout: 30_000 },
  )
})
