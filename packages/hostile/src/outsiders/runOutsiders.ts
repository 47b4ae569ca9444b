/**
 * Seeded tries of outsiders against members of a topic who go on speaking: what outsiders read is searched for the members' words, and the
 * members' neighbours and deliveries for outsiders.
 */
import { Crypto, type EndpointId, Identity } from "@topic-tracker/crypto"
import { Protocol } from "@topic-tracker/gossip"
import { Context, Effect, Layer, type Scope } from "effect"
import { attempts, guesses } from "./attempts.ts"
import { makeMembersWorld, PLAINTEXT } from "./MembersWorld.ts"
import { Outsider } from "./Outsider.ts"

/** The time that outsiders have after their last word, in ms. */
const AFTER_MS = 400
/** Tries under way at a time. */
const AT_ONCE = 10

export interface OutsiderFigures {
  readonly attempts: number
  /** Bytes of members' words in what outsiders read. */
  readonly plaintextBytes: number
  /** Deliveries that no member said, or twice. */
  readonly delivered: number
  /** Outsiders among the neighbours of a member, at any look. */
  readonly neighbors: number
  /** Part of the members' own messages that arrived, 0 to 1. */
  readonly honest: number
}

/** `each`: the tries of each kind, of which there are 20. */
export const runOutsiders = Effect.fnUntraced(function* (
  each: number,
  seed: number,
): Effect.fn.Return<OutsiderFigures, never, Scope.Scope> {
  const world = yield* makeMembersWorld
  const rng = new Protocol.Xoshiro128(seed)
  const roll = (below: number) => Math.floor(rng.next() * below)
  const isMember = new Set<string>(world.members.map(({ id }) => id))
  const outsiders: Array<Outsider> = []
  let neighbors = 0
  const look = Effect.gen(function* () {
    for (const { members } of world.members) {
      for (const peer of yield* members.gossip.neighbors) if (!isMember.has(peer)) neighbors++
    }
  })
  let made = 0
  for (const attempt of Object.values(attempts)) {
    for (let done = 0; done < each; done += AT_ONCE) {
      const group: Array<Outsider> = []
      for (let i = done; i < Math.min(each, done + AT_ONCE); i++) {
        const outsider = new Outsider(world.network, yield* newId)
        group.push(outsider)
        outsiders.push(outsider)
        made++
        yield* Effect.forkScoped(Effect.ignoreCause(Effect.promise(() => attempt(outsider, world, roll))))
      }
      yield* Effect.sleep(AFTER_MS)
      yield* look
      for (const outsider of group) outsider.close()
    }
  }
  for (const guess of Object.values(guesses)) {
    for (let done = 0; done < each; done += AT_ONCE) {
      yield* Effect.gen(function* () {
        for (let i = done; i < Math.min(each, done + AT_ONCE); i++) {
          const { members } = yield* guess(world)
          made++
          const channel = yield* members.channel("chat")
          yield* Effect.orDie(members.gossip.join(world.members.map(({ id }) => id)))
          yield* Effect.forkScoped(
            Effect.ignore(channel.publish([new TextEncoder().encode("a forged word")], { wait: false })),
          )
        }
        yield* Effect.sleep(AFTER_MS)
        yield* look
      }).pipe(Effect.scoped)
    }
  }
  // The last words of the members arrive.
  yield* Effect.sleep(AFTER_MS)
  const words = Buffer.from(PLAINTEXT)
  let plaintextBytes = 0
  for (const { read } of outsiders) {
    const all = Buffer.concat(read)
    for (let at = all.indexOf(words); at >= 0; at = all.indexOf(words, at + 1)) plaintextBytes += words.length
  }
  return {
    attempts: made,
    plaintextBytes,
    delivered: world.wrongDeliveries(),
    neighbors,
    honest: world.honestShare(),
  }
})

const newId: Effect.Effect<EndpointId.EndpointId> = Effect.scoped(
  Effect.map(
    Layer.build(Layer.fresh(Identity.layerRandom()).pipe(Layer.provide(Crypto.layer()))),
    (context) => Context.get(context, Identity).endpointId,
  ),
)
