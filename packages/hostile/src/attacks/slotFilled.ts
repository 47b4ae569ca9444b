/**
 * An outsider fills the slots of a topic's minutes with records that nobody can open: ahead of time on DHT nodes that keep the first item
 * of a seq, and again and again on nodes that keep the last. Two nodes of ours that know the secret must meet all the same.
 */
import { randomBytes } from "node:crypto"
import { Effect, Schedule } from "effect"
import { type Address, addressOf, findString, minuteNow, Speaker, slotOf } from "../attacker/krpc.ts"
import { type Attack, atLeast, atMost, type Scale } from "../harness/Attack.ts"
import { startMember, startTestnet } from "../harness/members.ts"
import { startVictim, type Victim } from "../harness/Victim.ts"

/** The size of a record with one address. */
const RECORD_BYTES = 620
const MEET_WITHIN_MS = 5_000

/** Puts garbage of this minute and the next into every node, once. */
const fillSlots = (speaker: Speaker, nodes: ReadonlyArray<Address>, topic: string) =>
  Effect.promise(() =>
    Promise.all(
      nodes.flatMap((node) =>
        [0, 1].map(async (ahead) => {
          const slot = slotOf(topic, minuteNow() + ahead)
          const answer = await speaker.ask(node, "get", { target: slot.target })
          const token = answer === undefined ? undefined : findString(answer, "token")
          if (token !== undefined) await speaker.ask(node, "put", { ...slot.item(randomBytes(RECORD_BYTES)), token })
        }),
      ),
    ),
  )

/** The time until two fresh nodes have met (ms), or undefined after five seconds. The nodes are gone afterwards. */
export const meet = Effect.fnUntraced(function* (
  victims: readonly [Victim, Victim],
  bootstrap: ReadonlyArray<string>,
  topic: string,
  options: { readonly dhtHosts?: readonly [string, string] } = {},
) {
  const start = (victim: Victim, index: 0 | 1) =>
    Effect.acquireRelease(
      startMember(victim, {
        bootstrap,
        ...(options.dhtHosts === undefined ? {} : { dhtHost: options.dhtHosts[index] }),
      }),
      ({ node }) => Effect.ignore(victim.call("stopNode", node)),
    )
  const members = yield* Effect.all([start(victims[0], 0), start(victims[1], 1)], { concurrency: 2 })
  const times = yield* Effect.forEach(members, ({ node, victim }) => victim.call("join", node, topic, MEET_WITHIN_MS), {
    concurrency: 2,
  })
  return times.includes(undefined) ? undefined : Math.max(...times.map((ms) => ms ?? 0))
}, Effect.scoped)

/** How many of the tries succeeded (%), and the longest of them (s); infinite if one did not. */
export const meetings = (times: ReadonlyArray<number | undefined>) => ({
  share: (100 * times.filter((ms) => ms !== undefined).length) / times.length,
  worst: Math.max(...times.map((ms) => ms ?? Number.POSITIVE_INFINITY)) / 1_000,
})

const triesAgainst = Effect.fnUntraced(function* (equalSeq: "overwrite" | "keep-first", scale: Scale) {
  const bootstrap = yield* startTestnet(equalSeq)
  const nodes = bootstrap.map(addressOf)
  const victims = yield* Effect.all([startVictim(), startVictim()], { concurrency: 2 })
  const speaker = yield* Speaker.make()
  const times: Array<number | undefined> = []
  for (let i = 0; i < scale.pick(10, 2); i++) {
    const topic = `slot ${equalSeq} ${i}`
    yield* fillSlots(speaker, nodes, topic)
    times.push(
      yield* Effect.gen(function* () {
        if (equalSeq === "overwrite") {
          yield* Effect.forkScoped(Effect.repeat(fillSlots(speaker, nodes, topic), Schedule.spaced(20)))
        }
        return yield* meet(victims, bootstrap.slice(0, 4), topic)
      }).pipe(Effect.scoped),
    )
  }
  return meetings(times)
}, Effect.scoped)

export const slotFilled: Attack = {
  name: "slot-filled",
  about: "the slots hold garbage ahead of time, or get it all the time",
  run: Effect.fnUntraced(function* (scale) {
    const ahead = yield* triesAgainst("keep-first", scale)
    const flooded = yield* triesAgainst("overwrite", scale)
    return [
      atLeast("ahead: met", ahead.share, "%", 100),
      atMost("ahead: worst", ahead.worst, "s", 5),
      atLeast("flood: met", flooded.share, "%", 100),
      atMost("flood: worst", flooded.worst, "s", 5),
    ]
  }),
}
