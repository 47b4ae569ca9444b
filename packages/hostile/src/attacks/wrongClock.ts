/**
 * The clock of one of two members is wrong, by three or by ten minutes: the slots that each writes are not those that the other reads
 * at first. They must find each other all the same.
 */
import { Effect } from "effect"
import { type Attack, atMost } from "../harness/Attack.ts"
import { startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const MINUTE_MS = 60_000
const GIVE_UP_MS = 240_000
/** Other minutes are read from 30 s on, and all of them by 90 s; the endpoints then dial, and tries may overlap a change of the minute. */
const NEAR_LIMIT_S = 60
const FAR_LIMIT_S = 120

/** The time (s) until one of two members, of which the second has a clock that is so far ahead, has a neighbour. */
const meetAfter = Effect.fnUntraced(function* (clockAheadMs: number) {
  const bootstrap = yield* startTestnet()
  const victims = [yield* startVictim(), yield* startVictim({ clockAheadMs })]
  const members = yield* Effect.forEach(victims, (victim) => startMember(victim, { bootstrap }))
  const topic = `clock ${clockAheadMs}`
  const began = performance.now()
  yield* Effect.forEach(members, ({ node, victim }) => victim.call("join", node, topic, 100), { concurrency: 2 })
  const [{ node, victim }] = members as [(typeof members)[0]]
  while (performance.now() - began < GIVE_UP_MS) {
    if ((yield* victim.call("neighbors", node, topic)).length > 0) return (performance.now() - began) / 1_000
    yield* Effect.sleep(250)
  }
  return undefined
}, Effect.scoped)

export const wrongClock: Attack = {
  name: "wrong-clock",
  about: "one of two members has a clock that is minutes off",
  run: Effect.fnUntraced(function* (scale) {
    const near = yield* meetAfter(3 * MINUTE_MS)
    if (scale.isShort) return [atMost("3 min ahead", near, "s", NEAR_LIMIT_S)]
    const [ahead, behind] = yield* Effect.all([meetAfter(10 * MINUTE_MS), meetAfter(-10 * MINUTE_MS)], {
      concurrency: 2,
    })
    return [
      atMost("3 min ahead", near, "s", NEAR_LIMIT_S),
      atMost("10 min ahead", ahead, "s", FAR_LIMIT_S),
      atMost("10 min behind", behind, "s", FAR_LIMIT_S),
    ]
  }),
}
