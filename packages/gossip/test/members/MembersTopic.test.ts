import { assert, describe, it } from "@effect/vitest"
import { Crypto, type EndpointId, Identity, initialSecretHash } from "@topic-tracker/crypto"
import { SecretRing } from "@topic-tracker/crypto/members"
import { GossipTransport } from "@topic-tracker/gossip"
import { MEMBERS_ALPN } from "@topic-tracker/gossip/members"
import { MemoryTransport } from "@topic-tracker/gossip/testing"
import { Context, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { filled, MINUTE } from "./support.ts"
import { listening, makeWorld, pass, say, scoped } from "./world.ts"

describe("MembersTopic over a network in memory", () => {
  it.effect("members join through the door and get each other's messages in order, with their authors", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const nodes = [yield* world.node(), yield* world.node(), yield* world.node()]
        const channels = yield* Effect.forEach(nodes, (node) => node.channel("chat"))
        const heard = yield* Effect.forEach(channels, listening)
        yield* nodes[1]!.gossip.join([nodes[0]!.endpointId])
        yield* nodes[2]!.gossip.join([nodes[0]!.endpointId])
        yield* pass(200)
        for (const node of nodes) assert.strictEqual(yield* node.neighbors, 2)
        assert.deepStrictEqual(yield* say(channels[0]!, "a"), { seq: 1, neighbors: 2, acknowledged: 0 })
        assert.strictEqual((yield* say(channels[0]!, "a", "a", "b")).seq, 2)
        yield* say(channels[1]!, "x".repeat(20_000))
        yield* pass(100)
        assert.deepStrictEqual(heard[1]!.texts(), ["a", "a", "a", "b"])
        assert.deepStrictEqual(
          heard[2]!.texts().filter((each) => each.length === 1),
          ["a", "a", "a", "b"],
        )
        assert.isTrue(heard[2]!.texts().includes("x".repeat(20_000)))
        const first = heard[2]!.events[0]
        assert(first?._tag === "Received")
        assert.deepInclude(first, { author: nodes[0]!.endpointId, proven: true, seq: 1 })
        assert.deepStrictEqual((yield* nodes[2]!.stats).rejected, 0)
      }),
    ),
  )

  it.effect("an outsider with another secret is no neighbour, hears nothing and is heard by nobody", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const members = [yield* world.node(), yield* world.node()]
        const outsider = yield* world.node({ secret: "a guess" })
        const channels = yield* Effect.forEach([...members, outsider], (node) => node.channel("chat"))
        const heard = yield* Effect.forEach(channels, listening)
        yield* members[1]!.gossip.join([members[0]!.endpointId])
        yield* outsider.gossip.join(members.map(({ endpointId }) => endpointId))
        yield* pass(500)
        yield* say(channels[0]!, "secret words")
        yield* pass(500)
        assert.strictEqual(yield* outsider.neighbors, 0)
        for (const member of members) assert.strictEqual(yield* member.neighbors, 1)
        assert.deepStrictEqual(
          heard.map(({ texts }) => texts()),
          [[], ["secret words"], []],
        )
        assert.include(outsider.refused, "by peer: not here")
      }),
    ),
  )

  it.effect("frames without a door reach no topic, and the connection is closed", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const member = yield* world.node()
        const identity = Identity.layerFromSeed(Redacted.make(filled(32, 250))).pipe(Layer.provide(Crypto.layer()))
        const context = yield* Layer.build(MemoryTransport.layer(world.network).pipe(Layer.provide(identity)))
        const bare = Context.get(context, GossipTransport)
        const reasons: Array<string> = []
        const connected: Array<EndpointId.EndpointId> = []
        yield* bare.listen(
          {
            connected: (connection) => {
              connected.push(connection.remoteId)
              connection.onClosed((reason) => reasons.push(reason))
              connection.openStream((stream) => stream?.write(filled(64, 1), () => {}))
            },
            dialFailed: () => {},
          },
          { alpn: MEMBERS_ALPN },
        )
        bare.dial(member.endpointId, { alpn: MEMBERS_ALPN })
        yield* pass(7_000)
        assert.strictEqual(connected.length, 1)
        assert.strictEqual(reasons.length, 1)
        assert.strictEqual(yield* member.neighbors, 0)
      }),
    ),
  )

  it.effect("whom `allow` refuses is no neighbour", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const banned = new Set<EndpointId.EndpointId>()
        const member = yield* world.node({ allow: (peer) => Effect.sync(() => !banned.has(peer)) })
        const other = yield* world.node()
        const refused = yield* world.node()
        banned.add(refused.endpointId)
        yield* other.gossip.join([member.endpointId])
        yield* refused.gossip.join([member.endpointId])
        yield* pass(500)
        assert.strictEqual(yield* member.neighbors, 1)
        assert.strictEqual(yield* refused.neighbors, 0)
        assert.include(refused.refused, "by peer: not allowed")
      }),
    ),
  )

  it.effect("proofs are renewed: neighbours stay for 20 minutes, with the keys of each minute", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const nodes = [yield* world.node(), yield* world.node()]
        const channels = yield* Effect.forEach(nodes, (node) => node.channel("chat"))
        const heard = yield* listening(channels[1]!)
        yield* nodes[1]!.gossip.join([nodes[0]!.endpointId])
        yield* pass(100)
        for (let minute = 0; minute < 20; minute++) {
          yield* TestClock.adjust("1 minute")
          yield* say(channels[0]!, `${minute}`)
          yield* pass(50)
        }
        assert.deepStrictEqual(
          heard.texts(),
          Array.from({ length: 20 }, (_, i) => `${i}`),
        )
        assert.strictEqual(yield* nodes[0]!.neighbors, 1)
      }),
    ),
  )

  it.effect(
    "who does not get the new secret is out when the overlap is over, and reads nothing from the change on",
    () =>
      scoped(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const hash = (secret: string) => initialSecretHash(Redacted.make(secret))
          const rings = [0, 1, 2].map(() => new SecretRing(hash("our secret")))
          const nodes = yield* Effect.forEach(rings, (ring) => world.node({ ring }))
          const channels = yield* Effect.forEach(nodes, (node) => node.channel("chat"))
          const heard = yield* Effect.forEach(channels, listening)
          for (const node of nodes.slice(1)) yield* node.gossip.join([nodes[0]!.endpointId])
          yield* pass(200)
          yield* say(channels[0]!, "before")
          yield* pass(100)
          for (const ring of rings.slice(0, 2)) {
            ring.add({ generation: 1, from: MINUTE + 2, secretHash: hash("new secret") })
          }
          yield* TestClock.adjust("2 minutes")
          yield* pass(100)
          yield* say(channels[0]!, "after")
          yield* pass(1_000)
          assert.deepStrictEqual(
            heard.map(({ texts }) => texts()),
            [[], ["before", "after"], ["before"]],
          )
          yield* TestClock.adjust("4 minutes")
          yield* pass(100)
          assert.strictEqual(yield* nodes[2]!.neighbors, 0)
          assert.strictEqual(yield* nodes[0]!.neighbors, 1)
          yield* say(channels[0]!, "later")
          yield* pass(100)
          assert.deepStrictEqual(
            heard.map(({ texts }) => texts()),
            [[], ["before", "after", "later"], ["before"]],
          )
        }),
      ),
  )
})
