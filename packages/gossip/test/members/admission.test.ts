/** `allow`, the end of a proof, and the limits of doors that are not open, over a network in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import {
  type ChannelEvent,
  type Exclusion,
  Gossip,
  type GossipEvent,
  GossipTransport,
  type MembersOptions,
} from "@topic-tracker/gossip"
import { MEMBERS_ALPN } from "@topic-tracker/gossip/members"
import { layerMemory, MemoryNetwork, type MemoryNetworkOptions, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Context, Effect, Fiber, Layer, Redacted, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { filled, MINUTE, text } from "./support.ts"

const topic = TopicId.fromName("admission")
let seeds = 100

const makeWorld = (options: MemoryNetworkOptions = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(MINUTE * 60_000 + 1)
    const network = yield* MemoryNetwork.make(options)
    const crypto = yield* Crypto
    const node = ({
      from = "now",
      ...given
    }: Partial<Pick<MembersOptions, "allow" | "rotation">> & { readonly from?: "now" | "recent" } = {}) =>
      Effect.gen(function* () {
        const identity = Identity.layerFromSeed(Redacted.make(filled(32, ++seeds))).pipe(Layer.provide(Crypto.layer()))
        const context = yield* Layer.build(layerMemory(network).pipe(Layer.provideMerge(identity)))
        const gossip = Context.get(context, Gossip)
        const rotation = yield* Effect.provide(SecretRotation, Layer.fresh(SecretRotation.layer()))
        const refused: Array<string> = []
        const members = yield* gossip.openMembers({
          crypto,
          rotation,
          author: Context.get(context, Identity).signingKey,
          topic,
          secretHash: initialSecretHash(Redacted.make("our secret")),
          onRefused: (_peer, reason, byPeer) => refused.push(`${byPeer ? "by peer: " : ""}${reason}`),
          ...given,
        })
        const channel = yield* members.channel("chat", { from })
        const heard: Array<string> = []
        const told = (event: ChannelEvent) =>
          heard.push(event._tag === "Received" ? new TextDecoder().decode(event.message) : event._tag)
        yield* Effect.forkScoped(Stream.runForEach(channel.events, (event) => Effect.sync(() => told(event))))
        const events: Array<GossipEvent> = []
        yield* Effect.forkScoped(
          Stream.runForEach(yield* members.gossip.subscribe(), (event) => Effect.sync(() => void events.push(event))),
        )
        const neighbors = Effect.map(members.gossip.neighbors, (set) => set.size)
        const say = (message: string) => channel.publish([text(message)], { wait: false })
        const id = gossip.endpointId
        return { id, members, secrets: rotation.secrets!, heard, events, refused, neighbors, say }
      })
    return { network, node, crypto }
  })

const pass = (ms: number, step = 10) =>
  Effect.gen(function* () {
    for (let i = 0; i < ms; i += step) yield* TestClock.adjust(step)
  })

const scoped = <A, E>(body: Effect.Effect<A, E, Crypto | Scope.Scope>) =>
  body.pipe(Effect.scoped, Effect.provide(Crypto.layer()))

describe("allow", () => {
  it.effect("a ban takes effect on a present neighbour, is told as having left, and is asked before a dial", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const banned = new Set<string>()
        const a = yield* world.node({ allow: (peer, as) => Effect.succeed(!(as === "neighbor" && banned.has(peer))) })
        const b = yield* world.node()
        const c = yield* world.node()
        yield* b.members.gossip.join([a.id])
        yield* c.members.gossip.join([a.id])
        yield* pass(300)
        assert.strictEqual(yield* a.neighbors, 2)
        banned.add(b.id)
        yield* a.members.recheck
        yield* pass(300)
        assert.deepStrictEqual([...(yield* a.members.gossip.neighbors)], [c.id])
        assert.deepInclude(a.events, { _tag: "NeighborDown", peer: b.id, reason: "left" })
        yield* b.members.gossip.join([a.id])
        yield* pass(300)
        assert.include(b.refused, "by peer: not allowed")
        const before = a.refused.length
        yield* a.members.gossip.join([b.id])
        yield* pass(300)
        assert.include(a.refused.slice(before), "not allowed")
        assert.deepStrictEqual([...(yield* a.members.gossip.neighbors)], [c.id])
      }),
    ),
  )

  it.effect(
    "tells other protocols of each peer that it refuses now, as a neighbour or for streams, and only then",
    () =>
      scoped(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const banned = new Set<string>()
          const a = yield* world.node({ allow: (peer, as) => Effect.succeed(!banned.has(`${as} ${peer}`)) })
          const [b, c, d] = [yield* world.node(), yield* world.node(), yield* world.node()]
          const told: Array<Exclusion> = []
          const remove = a.members.onExcluded((exclusion) => void told.push(exclusion))
          yield* b.members.gossip.join([a.id])
          yield* pass(300)
          for (const { id } of [b, c]) {
            const asked = yield* Effect.forkChild(a.members.admission(id, "stream"))
            yield* pass(20)
            assert.strictEqual(yield* Fiber.join(asked), "admit")
          }
          assert.deepStrictEqual(told, [])
          banned.add(`neighbor ${b.id}`).add(`stream ${c.id}`).add(`author ${d.id}`)
          a.members.onExcluded(() => {})
          yield* Effect.forkScoped(a.members.recheck)
          yield* pass(20)
          assert.sameDeepMembers(
            [...new Set(told.map((each) => (each._tag === "Peer" ? each.peer : each.epoch)))],
            [b.id, c.id],
          )
          assert.strictEqual(yield* a.neighbors, 0)
          const before = told.length
          yield* Effect.forkScoped(a.members.recheck)
          yield* pass(20)
          assert.strictEqual(told.length, before, "they were refused before")
          remove()
          banned.add(`stream ${b.id}`)
          yield* Effect.forkScoped(a.members.admission(b.id, "stream"))
          yield* pass(20)
          assert.strictEqual(told.length, before)
        }),
      ),
  )

  it.effect("takes effect within a minute without a recheck, whichever side dialled", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const banned = new Set<string>()
        const allow: MembersOptions["allow"] = (peer) => Effect.succeed(!banned.has(peer))
        const a = yield* world.node({ allow })
        const dialler = yield* world.node()
        const dialled = yield* world.node()
        yield* dialler.members.gossip.join([a.id])
        yield* a.members.gossip.join([dialled.id])
        yield* pass(300)
        assert.strictEqual(yield* a.neighbors, 2)
        banned.add(dialler.id)
        banned.add(dialled.id)
        yield* pass(121_000, 1_000)
        assert.strictEqual(yield* a.neighbors, 0)
      }),
    ),
  )

  it.effect(
    "a muted author is forwarded and not delivered, a refused one neither, and the first message waits for the answer",
    () =>
      scoped(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const answers = new Map<string, "admit" | "mute" | "refuse">()
          // The first message of an author is there before the answer.
          const allow: MembersOptions["allow"] = (peer, as) =>
            Effect.delay(
              Effect.sync(() => (as === "author" ? (answers.get(peer) ?? "admit") : true)),
              200,
            )
          const middle = yield* world.node({ allow })
          const left = yield* world.node()
          const right = yield* world.node()
          world.network.setReachable((_from, to) => to === middle.id)
          yield* left.members.gossip.join([middle.id])
          yield* right.members.gossip.join([middle.id])
          yield* pass(1_000)
          yield* left.say("one")
          yield* pass(100)
          assert.deepStrictEqual(middle.heard, [])
          yield* pass(3_000)
          assert.deepStrictEqual(middle.heard, ["one"])
          assert.deepStrictEqual(right.heard, ["one"])
          answers.set(left.id, "mute")
          yield* Effect.forkScoped(middle.members.recheck)
          yield* pass(300)
          yield* left.say("two")
          yield* pass(1_000)
          assert.deepStrictEqual(right.heard, ["one", "two"])
          answers.set(left.id, "refuse")
          yield* Effect.forkScoped(middle.members.recheck)
          yield* pass(300)
          yield* left.say("three")
          yield* pass(1_000)
          assert.deepStrictEqual(right.heard, ["one", "two"])
          assert.deepStrictEqual(middle.heard, ["one"])
        }),
      ),
  )

  it.effect("is asked about an author before what neighbours repair is delivered", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const author = yield* world.node()
        const member = yield* world.node()
        yield* member.members.gossip.join([author.id])
        yield* pass(500)
        yield* author.say("one")
        yield* pass(500)
        const allow: MembersOptions["allow"] = (peer, as) =>
          as === "author" ? Effect.delay(Effect.succeed(peer !== author.id), 300) : Effect.succeed(true)
        const strict = yield* world.node({ allow, from: "recent" })
        const open = yield* world.node({
          allow: (_peer, as) => Effect.delay(Effect.succeed(true), as === "author" ? 300 : 0),
          from: "recent",
        })
        for (const node of [strict, open]) yield* node.members.gossip.join([member.id])
        yield* pass(5_000)
        yield* author.say("two")
        yield* pass(5_000)
        assert.deepStrictEqual(open.heard, ["one", "two"])
        assert.notInclude(strict.heard, "one")
        assert.notInclude(strict.heard, "two")
      }),
    ),
  )

  it.effect("that never answers or breaks keeps a peer out, and costs it nothing but time", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        let mode: "never" | "breaks" | "works" = "never"
        const allow: MembersOptions["allow"] = () =>
          mode === "never" ? Effect.never : mode === "breaks" ? Effect.die("a bug") : Effect.succeed(true)
        const a = yield* world.node({ allow })
        const b = yield* world.node()
        for (mode of ["never", "breaks"] as const) {
          yield* b.members.gossip.join([a.id])
          yield* pass(1_500)
          assert.strictEqual(yield* a.neighbors, 0)
        }
        mode = "works"
        yield* b.members.gossip.join([a.id])
        yield* pass(300)
        assert.strictEqual(yield* a.neighbors, 1)
        assert.deepStrictEqual([...new Set(b.refused)], ["by peer: busy"])
      }),
    ),
  )
})

describe("a replaced secret", () => {
  it.effect(
    "reaches a running topic: members stay, one without it is out after the overlap, whichever side dialled",
    () =>
      scoped(
        Effect.gen(function* () {
          const world = yield* makeWorld()
          const nodes = yield* Effect.all(Array.from({ length: 4 }, () => world.node()))
          const [a, b, excluded, other] = nodes as [
            (typeof nodes)[0],
            (typeof nodes)[0],
            (typeof nodes)[0],
            (typeof nodes)[0],
          ]
          yield* b.members.gossip.join([a.id])
          yield* excluded.members.gossip.join([a.id])
          yield* other.members.gossip.join([excluded.id])
          yield* pass(500)
          const secret = { generation: 1, from: MINUTE + 2, secretHash: Redacted.make(filled(32, 77)) }
          for (const node of [a, b, other]) yield* node.secrets.add(topic, secret)
          yield* pass(90_000, 500)
          yield* a.say("before")
          yield* pass(1_000)
          assert.deepStrictEqual(excluded.heard, ["before"])
          // Two minutes until the switch, three of overlap, and a moment.
          yield* pass(220_000, 500)
          const heardBefore = [a, b, other].map(({ heard }) => heard.length)
          yield* excluded.say("let me in")
          yield* a.say("after")
          yield* excluded.members.gossip.join([a.id, b.id, other.id])
          yield* pass(5_000)
          assert.strictEqual(yield* excluded.neighbors, 0)
          assert.deepStrictEqual(excluded.heard, ["before"])
          assert.isAbove(yield* b.neighbors, 0)
          assert.isFalse([...(yield* a.members.gossip.neighbors)].includes(excluded.id))
          assert.deepStrictEqual(b.heard, ["before", "after"])
          assert.isFalse([a, b, other].some(({ heard }) => heard.includes("let me in")))
          assert.deepStrictEqual(heardBefore, [0, 1, 1])
          assert.include(excluded.refused, "by peer: not here")
          for (const node of [a, other]) {
            const downs = node.events.filter((event) => event._tag === "NeighborDown" && event.peer === excluded.id)
            assert.deepStrictEqual(
              downs.map((event) => event._tag === "NeighborDown" && event.reason),
              ["left"],
            )
          }
        }),
      ),
  )

  it.effect("is obeyed at once by endOverlap, and members come back through the door", () =>
    scoped(
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const a = yield* world.node()
        const b = yield* world.node()
        const excluded = yield* world.node()
        for (const node of [b, excluded]) yield* node.members.gossip.join([a.id])
        yield* pass(500)
        for (const node of [a, b]) {
          yield* node.secrets.add(topic, { generation: 1, from: MINUTE + 1, secretHash: Redacted.make(filled(32, 78)) })
        }
        yield* pass(61_000, 500)
        const told: Array<Exclusion> = []
        a.members.onExcluded((exclusion) => void told.push(exclusion))
        yield* a.members.endOverlap
        assert.deepStrictEqual(told, [{ _tag: "Older", epoch: MINUTE + 1 }])
        yield* excluded.say("too late")
        yield* b.members.gossip.join([a.id])
        yield* excluded.members.gossip.join([a.id])
        yield* pass(1_000)
        assert.deepStrictEqual([...(yield* a.members.gossip.neighbors)], [b.id])
        assert.deepStrictEqual(a.heard, [])
      }),
    ),
  )

  it.effect("is refused with a generation that is there, and added once if it is the same", () =>
    scoped(
      Effect.gen(function* () {
        const { secrets } = yield* Effect.flatMap(makeWorld(), (world) => world.node())
        const one = { generation: 1, from: 5, secretHash: Redacted.make(filled(32, 1)) }
        let changes = 0
        secrets.onChange(() => changes++)
        yield* secrets.add(topic, one)
        yield* secrets.add(topic, { ...one, secretHash: Redacted.make(filled(32, 1)) })
        assert.strictEqual(changes, 1)
        const message = (given: object) =>
          Effect.map(Effect.flip(secrets.add(topic, { ...one, ...given })), (e) => e.message)
        assert.strictEqual(yield* message({ from: 6 }), "generation: 1 is in the ring already")
        assert.include(yield* message({ generation: 0 }), "generation: 0")
        assert.include(yield* message({ generation: 2, from: -1 }), "from: -1")
        assert.deepStrictEqual(secrets.generations(topic), [one])
        assert.strictEqual(secrets.at(topic, 4), undefined)
        assert.strictEqual(secrets.at(topic, 5)?.generation, 1)
      }),
    ),
  )
})

describe("doors that are not open", () => {
  it.effect("are few for one host: its oldest gives way, and other hosts are not concerned", () =>
    scoped(
      Effect.gen(function* () {
        const hostOf = new Map<string, string>()
        const world = yield* makeWorld({ networkOf: (endpoint) => hostOf.get(endpoint) })
        const member = yield* world.node()
        const closed: Array<string> = []
        /** Connects and says nothing. */
        const silent = (host: string, name: string) =>
          Effect.gen(function* () {
            const identity = Identity.layerFromSeed(Redacted.make(filled(32, ++seeds))).pipe(
              Layer.provide(Crypto.layer()),
            )
            const context = yield* Layer.build(MemoryTransport.layer(world.network).pipe(Layer.provide(identity)))
            const transport = Context.get(context, GossipTransport)
            hostOf.set(transport.endpointId, host)
            yield* transport.listen(
              {
                connected: (connection) => connection.onClosed(() => void closed.push(name)),
                dialFailed: () => void closed.push(`${name} failed`),
              },
              { alpn: MEMBERS_ALPN },
            )
            transport.dial(member.id, { alpn: MEMBERS_ALPN })
            yield* pass(10)
          })
        yield* silent("elsewhere", "other")
        for (let i = 0; i < 6; i++) yield* silent("one host", `${i}`)
        yield* pass(100)
        assert.deepStrictEqual(closed, ["0", "1"])
        const newcomer = yield* world.node()
        hostOf.set(newcomer.id, "one host")
        yield* newcomer.members.gossip.join([member.id])
        yield* pass(300)
        assert.strictEqual(yield* member.neighbors, 1)
        assert.deepStrictEqual(closed, ["0", "1", "2"])
        yield* pass(7_000, 100)
        assert.strictEqual(closed.length, 7)
      }),
    ),
  )
})
