/**
 * A former member after the overlap of a replaced secret: it has the initial secret, the topic id on gossip streams, and the members' endpoint
 * ids. 1,000 seeded tries: no plaintext, no delivery, no neighbour.
 */
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Gossip, type GossipEvent, GossipTransport } from "@topic-tracker/gossip"
import { ChannelWriter, DoorDialler, MEMBERS_ALPN } from "@topic-tracker/gossip/members"
import { layerMemory, MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Clock, Context, Effect, Layer, Random, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { filled, type Member, MINUTE, memberOf, signingKeyOf, text } from "./support.ts"

const NAME = "excluded"
const SECRET = "our secret"
const topic = TopicId.fromName(NAME)
const SWITCH = MINUTE + 1
/** The first minute after the overlap, and the last one of this test. */
const AFTER = SWITCH + 4
const LAST = AFTER + 3
const TRIES = 330
let seeds = 200

const pass = (ms: number, step = 500) =>
  Effect.gen(function* () {
    for (let i = 0; i < ms; i += step) yield* TestClock.adjust(step)
  })

const makeWorld = Effect.gen(function* () {
  yield* TestClock.setTime(MINUTE * 60_000 + 1)
  const network = yield* MemoryNetwork.make()
  const crypto = yield* Crypto
  const identity = () =>
    Identity.layerFromSeed(Redacted.make(filled(32, ++seeds % 256))).pipe(Layer.provide(Crypto.layer()))
  const node = Effect.gen(function* () {
    const key = new Uint8Array(32)
    new DataView(key.buffer).setUint32(0, ++seeds)
    const own = Identity.layerFromSeed(Redacted.make(key)).pipe(Layer.provide(Crypto.layer()))
    const context = yield* Layer.build(layerMemory(network).pipe(Layer.provideMerge(own)))
    const gossip = Context.get(context, Gossip)
    const rotation = yield* Effect.provide(SecretRotation, SecretRotation.layer())
    const members = yield* gossip.openMembers({
      crypto,
      rotation,
      author: Context.get(context, Identity).signingKey,
      topic,
      secretHash: initialSecretHash(Redacted.make(SECRET)),
    })
    const channel = yield* members.channel("chat")
    const heard: Array<string> = []
    yield* Effect.forkScoped(
      Stream.runForEach(channel.events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Received") heard.push(new TextDecoder().decode(event.message))
        }),
      ),
    )
    const events: Array<GossipEvent> = []
    yield* Effect.forkScoped(
      Stream.runForEach(yield* members.gossip.subscribe({ capacity: 4_096 }), (event) =>
        Effect.sync(() => void events.push(event)),
      ),
    )
    return { id: gossip.endpointId, members, secrets: rotation.secrets!, channel, heard, events }
  })
  /** A connection of the members' protocol without a topic behind it. */
  const dial = (member: string) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(MemoryTransport.layer(network).pipe(Layer.provideMerge(identity())))
      const transport = Context.get(context, GossipTransport)
      const received: Array<Uint8Array> = []
      let dialler: DoorDialler | undefined
      const oldMember = yield* memberOf(crypto, {
        name: NAME,
        secret: SECRET,
        minute: yield* Random.nextIntBetween(MINUTE - 3, LAST),
      })
      yield* transport.listen(
        {
          connected: (connection) =>
            connection.openBi((stream) => {
              dialler = new DoorDialler({
                topic: {
                  gossipTopic: oldMember.gossipTopic,
                  window: oldMember.window,
                  nonce: () => filled(32, 9),
                },
                self: Context.get(context, Identity).signingKey.publicKey,
                peer: hexBytes(member),
                flags: 5,
                now: 0,
              })
              const send = (bytes: Uint8Array) => stream?.send.write(bytes, () => {})
              for (const output of dialler.start()) if (output._tag === "Send") send(output.bytes)
              const read = (): void =>
                stream?.receive.read((bytes) => {
                  if (bytes === undefined) return
                  received.push(bytes)
                  for (const output of dialler!.receive(bytes)) if (output._tag === "Send") send(output.bytes)
                  queueMicrotask(read)
                })
              read()
            }),
          dialFailed: () => {},
        },
        { alpn: MEMBERS_ALPN },
      )
      transport.dial(member as never, { alpn: MEMBERS_ALPN })
      yield* pass(100, 50)
      return received
    }).pipe(Effect.scoped)
  return { network, crypto, node, dial }
})

const hexBytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"))

describe("a member without the new secret, after the overlap", () => {
  it.effect("does not pass a door, in whatever minute, and is no neighbour under any key", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const members = [yield* world.node, yield* world.node, yield* world.node]
      for (const member of members) {
        const secretHash = Redacted.make(filled(32, 7))
        yield* member.secrets.add(topic, { generation: 1, from: SWITCH, secretHash })
      }
      for (const member of members.slice(1)) yield* member.members.gossip.join([members[0]!.id])
      yield* pass((AFTER - MINUTE) * 60_000)
      const answers = new Map<number, number>()
      for (let i = 0; i < TRIES; i++) {
        const received = yield* world.dial(members[yield* Random.nextIntBetween(0, 2)]!.id)
        for (const bytes of received) answers.set(bytes[0]!, (answers.get(bytes[0]!) ?? 0) + 1)
      }
      // Refusals, and challenges that it cannot answer; never the acceptor's proof.
      assert.isFalse(answers.has(4))
      assert.isAbove(answers.get(0) ?? 0, 0)
      const excluded = yield* world.node
      for (let i = 0; i < 20; i++) {
        yield* excluded.members.gossip.join(members.map(({ id }) => id))
        yield* members[i % 3]!.channel.publish([text(`secret words ${i}`)])
        yield* excluded.channel.publish([text("let me in")], { wait: false })
        yield* pass(2_000)
      }
      assert.deepStrictEqual([excluded.heard, excluded.events], [[], []])
      for (const member of members) {
        assert.isFalse(member.heard.includes("let me in"))
        const ids = members.map(({ id }) => id)
        for (const event of member.events) if (event._tag === "NeighborUp") assert.include(ids, event.peer)
        assert.strictEqual(member.heard.length, member === members[0] ? 13 : member === members[1] ? 13 : 14)
      }
    }).pipe(Effect.scoped, Effect.provide(Crypto.layer())),
  )

  for (const [what, minuteOf] of [
    ["of the minutes before the switch", (_own: number, random: number) => SWITCH - 1 - random],
    ["of later minutes, sealed with the old secret", (own: number, random: number) => own + 1 - random],
  ] as const) {
    it.effect(`has its envelopes ${what} delivered by nobody, also if a neighbour passes them on`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const [first, second] = [yield* world.node, yield* world.node]
        for (const member of [first, second]) {
          const secretHash = Redacted.make(filled(32, 7))
          yield* member.secrets.add(topic, { generation: 1, from: SWITCH, secretHash })
        }
        yield* second.members.gossip.join([first.id])
        yield* pass((AFTER - MINUTE) * 60_000)
        const keys = new Map<number, Member>()
        for (let i = 0; i < TRIES; i++) {
          const own = Math.floor((yield* Clock.currentTimeMillis) / 60_000)
          const minute = minuteOf(own, yield* Random.nextIntBetween(0, 4))
          const old = keys.get(minute) ?? (yield* memberOf(world.crypto, { name: NAME, secret: SECRET, minute }))
          keys.set(minute, old)
          const writer = new ChannelWriter({
            crypto: world.crypto,
            window: old.window,
            gossipTopic: old.gossipTopic,
            author: signingKeyOf(world.crypto, 1 + (i % 50)),
            session: filled(8, i),
            channel: old.keys.channelTag("chat", { group: false, neighborsOnly: false }),
            mode: { group: false, neighborsOnly: false },
            maxContentBytes: 4_055,
          })
          for (const envelope of writer.write([text("let me in")]).envelopes) {
            yield* first.members.gossip.broadcast(envelope)
          }
          // At most 4 rejects in this time cost the neighbour its place.
          yield* pass(11_000, 5_500)
        }
        const stats = yield* second.members.stats
        assert.deepStrictEqual([first.heard, second.heard], [[], []])
        assert.strictEqual(stats.accepted, 0)
        assert.isAtLeast(stats.ignored + stats.rejected, TRIES)
      }).pipe(Effect.scoped, Effect.provide(Crypto.layer())),
    )
  }
})
