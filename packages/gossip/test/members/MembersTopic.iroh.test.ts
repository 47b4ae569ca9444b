/** The door, messages and repairs over QUIC: iroh endpoints on loopback, in real time. */
import { assert, describe, it } from "@effect/vitest"
import { Crypto, type EndpointId, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Exit, Layer, Redacted, Scope, Stream } from "effect"
import { filled, text } from "./support.ts"

const topic = TopicId.fromName("members over iroh")

const until = (what: string, condition: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    for (let i = 0; i < 1_000; i++) {
      if (yield* condition) return
      yield* Effect.sleep(10)
    }
    return yield* Effect.die(new Error(`waited without success: ${what}`))
  })

const makeNode = (book: Map<EndpointId.EndpointId, EndpointAddress>, fill: number, secret: string) =>
  Effect.gen(function* () {
    const identity = Identity.layerFromSeed(Redacted.make(filled(32, fill))).pipe(Layer.provideMerge(Crypto.layer()))
    const gossipLayer = Gossip.layerIroh({ bind: "127.0.0.1:0", addressPollInterval: 50 }).pipe(
      Layer.provide(AddressLookup.layerShared(book)),
      Layer.provideMerge(identity),
    )
    const context = yield* Layer.build(gossipLayer)
    const gossip = Context.get(context, Gossip)
    book.set(gossip.endpointId, yield* gossip.address)
    const refused: Array<string> = []
    const members = yield* gossip.openMembers({
      crypto: Context.get(context, Crypto),
      rotation: yield* Effect.provide(SecretRotation, SecretRotation.layer()),
      author: Context.get(context, Identity).signingKey,
      topic,
      secretHash: initialSecretHash(Redacted.make(secret)),
      onRefused: (_peer, reason) => refused.push(reason),
    })
    const channel = yield* members.channel("chat")
    const texts: Array<string> = []
    yield* channel.events.pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          if (event._tag === "Received") texts.push(new TextDecoder().decode(event.message))
        }),
      ),
      Effect.forkScoped,
    )
    const neighbors = Effect.map(members.gossip.neighbors, (set) => set.size)
    return { id: gossip.endpointId, members, channel, texts, refused, neighbors }
  })

describe("MembersTopic over iroh", () => {
  it.live(
    "members hear each other in order, also 300 KB; an outsider is refused and hears nothing",
    () =>
      Effect.gen(function* () {
        const book = new Map<EndpointId.EndpointId, EndpointAddress>()
        const a = yield* makeNode(book, 1, "our secret")
        const b = yield* makeNode(book, 2, "our secret")
        const outsider = yield* makeNode(book, 3, "a guess")
        // Gossip asks once. A search would ask again when a dial failed or a door took too long, for example on a busy machine.
        for (const [node, peers] of [
          [b, [a.id]],
          [outsider, [a.id, b.id]],
        ] as const) {
          yield* node.members.gossip
            .join(peers)
            .pipe(Effect.andThen(Effect.sleep(1_000)), Effect.forever, Effect.forkScoped)
        }
        yield* until(
          "a and b are neighbours",
          Effect.map(a.neighbors, (count) => count === 1),
        )
        yield* a.channel.publish([text("one")])
        const large = "x".repeat(300_000)
        yield* a.channel.publish([text(large), text("two"), text("two")])
        yield* b.channel.publish([text("three")])
        yield* until(
          "all is heard",
          Effect.sync(() => a.texts.length === 1 && b.texts.length === 4),
        )
        assert.deepStrictEqual(a.texts, ["three"])
        assert.isTrue(b.texts[1] === large)
        assert.deepStrictEqual([b.texts[0], ...b.texts.slice(2)], ["one", "two", "two"])
        yield* until(
          "the outsider is refused",
          Effect.sync(() => outsider.refused.includes("not here")),
        )
        assert.strictEqual(yield* outsider.neighbors, 0)
        assert.deepStrictEqual(outsider.texts, [])
      }).pipe(Effect.scoped),
    60_000,
  )

  it.live(
    "a member that leaves right after it published has said everything",
    () =>
      Effect.gen(function* () {
        const book = new Map<EndpointId.EndpointId, EndpointAddress>()
        const a = yield* makeNode(book, 1, "our secret")
        const ofB = yield* Scope.make()
        const b = yield* makeNode(book, 2, "our secret").pipe(Scope.provide(ofB))
        yield* b.members.gossip
          .join([a.id])
          .pipe(Effect.andThen(Effect.sleep(1_000)), Effect.forever, Effect.forkIn(ofB))
        yield* until(
          "a and b are neighbours",
          Effect.map(b.neighbors, (count) => count === 1),
        )
        const texts = ["x".repeat(200_000), ...Array.from({ length: 50 }, (_, i) => `${i} ${"y".repeat(2_000)}`)]
        yield* b.channel.publish(texts.map(text))
        yield* Scope.close(ofB, Exit.void)
        yield* until(
          "all is heard",
          Effect.sync(() => a.texts.length === texts.length),
        )
        assert.deepStrictEqual(a.texts, texts)
      }).pipe(Effect.scoped),
    60_000,
  )
})
