/**
 * A stranger names 200 peers a second (ForwardJoin), each a new key, half of the runs with addresses. Each name may cost the victim a
 * dial and lookups in the DHT, and those must not take the place of what its topics need.
 */
import { randomInt } from "node:crypto"
import { Effect } from "effect"
import { endpointKey, forwardJoin, neighbor, peerData } from "../attacker/frames.ts"
import { keepWriting, type WritingOptions } from "../attacker/keepWriting.ts"
import { type Attack, atMost, type Scale } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const PER_SECOND = 200
const TICK_MS = 50
/** A join that takes longer counts as this. */
const JOIN_WITHIN_MS = 7_000
const JOINS = 10

const names = (withAddresses: boolean): Buffer =>
  Buffer.concat(
    Array.from({ length: (PER_SECOND * TICK_MS) / 1_000 }, () =>
      forwardJoin(
        withAddresses
          ? { id: endpointKey(), data: peerData([`127.0.0.1:${randomInt(20_000, 60_000)}`]) }
          : { id: endpointKey() },
        0,
      ),
    ),
  )

/** The packets a second that leave the victim's DHT client, and the longest of some joins of other topics. */
const underFlood = Effect.fnUntraced(function* (victim: Member, partner: Member, withAddresses: boolean, scale: Scale) {
  const label = withAddresses ? "with addresses" : "without addresses"
  const topic = `forward joins ${label}`
  const others = Array.from({ length: scale.pick(JOINS, 4) }, (_, i) => `another topic ${i} ${label}`)
  yield* joinAll([victim, partner], topic)
  yield* Effect.forEach(others, (other) => partner.victim.call("join", partner.node, other, 10), {
    concurrency: "unbounded",
  })
  // The partner's records are in the DHT by then.
  yield* Effect.sleep(1_500)
  const options: WritingOptions = {
    target: victim,
    topic,
    first: (peer) => neighbor("high", peerData([peer.address])),
    next: () => names(withAddresses),
    everyMs: TICK_MS,
    newKeys: true,
  }
  yield* Effect.forkScoped(keepWriting(options))
  yield* Effect.sleep(2_000)
  const packets = Effect.map(victim.victim.call("counters", victim.node), ({ dhtPacketsSent }) => dhtPacketsSent)
  const before = yield* packets
  const begun = performance.now()
  yield* Effect.sleep(scale.pick(5_000, 2_000))
  const perSecond = (1_000 * ((yield* packets) - before)) / (performance.now() - begun)
  let worst = 0
  for (const other of others) {
    const ms = yield* victim.victim.call("join", victim.node, other, JOIN_WITHIN_MS)
    worst = Math.max(worst, ms ?? JOIN_WITHIN_MS)
  }
  return { perSecond, worst }
}, Effect.scoped)

export const forwardJoins: Attack = {
  name: "forward-joins",
  about: "a stranger names 200 new peers a second",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const victim = yield* startMember(yield* startVictim(), { bootstrap })
    const partner = yield* startMember(yield* startVictim(), { bootstrap })
    const bare = yield* underFlood(victim, partner, false, scale)
    const addressed = yield* underFlood(victim, partner, true, scale)
    return [
      atMost("DHT, no address", bare.perSecond, "/s", 500),
      atMost("DHT, address", addressed.perSecond, "/s", 500),
      atMost("join, no address", bare.worst / 1_000, "s", 2),
      atMost("join, address", addressed.worst / 1_000, "s", 2),
    ]
  }),
}
