/** Nodes in a members-only topic on a network in memory, for tests under TestClock. */
import { Crypto, Identity, initialSecretHash, type RotationInput, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { SecretRing } from "@topic-tracker/crypto/members"
import { type BytesChannel, type ChannelEvent, Gossip, type MembersOptions } from "@topic-tracker/gossip"
import { layerMemory, MemoryNetwork, type MemoryNetworkOptions } from "@topic-tracker/gossip/testing"
import { Context, Effect, Layer, Redacted, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { filled, MINUTE, text } from "./support.ts"

const topic = TopicId.fromName("members")
let seeds = 0

interface NodeOptions extends Partial<Pick<MembersOptions, "allow" | "overlap" | "ahead">> {
  readonly secret?: string
  readonly ring?: SecretRing
}

export const makeWorld = (options: MemoryNetworkOptions = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(MINUTE * 60_000 + 1)
    const network = yield* MemoryNetwork.make(options)
    const crypto = yield* Crypto
    const node = (nodeOptions: NodeOptions = {}) =>
      Effect.gen(function* () {
        const { ring, secret = "our secret", ...rest } = nodeOptions
        const identity = Identity.layerFromSeed(Redacted.make(filled(32, ++seeds))).pipe(Layer.provide(Crypto.layer()))
        const context = yield* Layer.build(layerMemory(network).pipe(Layer.provideMerge(identity)))
        const gossip = Context.get(context, Gossip)
        const { signingKey } = Context.get(context, Identity)
        const refused: Array<string> = []
        const rotation =
          ring === undefined
            ? yield* Effect.provide(SecretRotation, SecretRotation.layer())
            : {
                encryptionSeed: ({ topic, unixMinute }: RotationInput) =>
                  Effect.sync(() => ring.seed(topic, unixMinute)),
              }
        const members = yield* gossip.openMembers({
          crypto,
          rotation,
          author: signingKey,
          topic,
          secretHash: initialSecretHash(Redacted.make(secret)),
          onRefused: (_peer, reason, byPeer) => refused.push(`${byPeer ? "by peer: " : ""}${reason}`),
          ...rest,
        })
        const neighbors = Effect.map(members.gossip.neighbors, (set) => set.size)
        return { ...members, refused, neighbors, endpointId: gossip.endpointId }
      })
    return { network, node, crypto }
  })

/** All events of a channel so far, as texts. */
export const listening = Effect.fnUntraced(function* (channel: BytesChannel) {
  const events: Array<ChannelEvent> = []
  yield* Effect.forkScoped(Stream.runForEach(channel.events, (event) => Effect.sync(() => void events.push(event))))
  return {
    events,
    texts: () =>
      events.map((event) => {
        if (event._tag === "Received") return new TextDecoder().decode(event.message)
        return event._tag === "Missed" ? `missed ${event.from}-${event.to}` : `lagged ${event.skipped}`
      }),
  }
})

export const pass = (ms: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < ms; i += 10) yield* TestClock.adjust(10)
  })

export const scoped = <A, E>(body: Effect.Effect<A, E, Crypto | Scope.Scope>) =>
  body.pipe(Effect.scoped, Effect.provide(Crypto.layer()))

export const say = (channel: BytesChannel, ...messages: ReadonlyArray<string>) => channel.publish(messages.map(text))
