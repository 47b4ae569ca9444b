/** Members of a topic in victims' processes, and how much they hear of each other. */
import { Effect } from "effect"
import type { NodeInfo, NodeOptions, Traffic } from "../victim/api.ts"
import { AttackFailed } from "./Attack.ts"
import { startVictim, type Victim } from "./Victim.ts"

/** A node of ours in a topic. */
export interface Member extends NodeInfo {
  readonly victim: Victim
}

/** A message counts as heard if it arrives within this time. */
const HEARD_WITHIN_MS = 2_000

/** The part of the traffic whose share is also told alone. */
const SLICE_MS = 30_000

const JOIN_WITHIN_MS = 20_000

/** A DHT of 20 nodes on loopback, in a process of its own. Returns some of its addresses. */
export const startTestnet = (equalSeq: "overwrite" | "keep-first" = "overwrite") =>
  Effect.gen(function* () {
    const victim = yield* startVictim()
    return yield* victim.call("startDhtNodes", { nodes: 20, equalSeq })
  })

/** A node of ours. */
export const startMember = Effect.fnUntraced(function* (victim: Victim, options: NodeOptions) {
  const member: Member = { ...(yield* victim.call("startNode", options)), victim }
  return member
})

/** Joins all of them to the topic and waits until each has a neighbour. */
export const joinAll = Effect.fnUntraced(function* (members: ReadonlyArray<Member>, topic: string) {
  const times = yield* Effect.forEach(members, ({ node, victim }) => victim.call("join", node, topic, JOIN_WITHIN_MS), {
    concurrency: "unbounded",
  })
  if (times.some((ms) => ms === undefined)) {
    return yield* new AttackFailed({ message: `the members of ${topic} did not find each other before the attack` })
  }
})

export interface TrafficOptions {
  readonly everyMs: number
  readonly bytes: number
  readonly forMs: number
}

/** What the members heard of each other. */
export interface Talk {
  /** The share (%) that the worst pair heard within two seconds. */
  readonly share: number
  /** Messages, counted for each receiver. */
  readonly sent: number
  /** Those of them that were not heard at all. */
  readonly lost: number
  /** Those of them that were heard more than once. */
  readonly twice: number
  /** {@link share} of each half minute. */
  readonly shares: ReadonlyArray<number>
}

/** Lets all members broadcast for some time. */
export const talk = Effect.fnUntraced(function* (
  members: ReadonlyArray<Member>,
  topic: string,
  { bytes, everyMs, forMs }: TrafficOptions,
) {
  const begun = Date.now()
  yield* each(members, ({ node, victim }) => victim.call("beginTraffic", node, topic, everyMs, bytes))
  yield* Effect.sleep(forMs + HEARD_WITHIN_MS)
  const traffic = yield* each(members, ({ node, victim }) => victim.call("endTraffic", node, topic))
  let share = 100
  let sent = 0
  let lost = 0
  let twice = 0
  const shares = Array.from({ length: Math.ceil(forMs / SLICE_MS) }, () => 100)
  for (const [from, sender] of members.entries()) {
    const counted = new Map(traffic[from]!.sent.filter(([, at]) => at <= begun + forMs))
    for (const [to, receiver] of traffic.entries()) {
      if (to === from) continue
      const times = heardOf(sender.endpointId.slice(0, 8), receiver)
      const isInTime = (number: number) => (times.get(number)?.[0] ?? Number.POSITIVE_INFINITY) <= HEARD_WITHIN_MS
      share = Math.min(share, shareOf([...counted.keys()], isInTime))
      for (const i of shares.keys()) {
        const ofSlice = [...counted].filter(([, at]) => Math.floor((at - begun) / SLICE_MS) === i)
        const numbers = ofSlice.map(([number]) => number)
        shares[i] = Math.min(shares[i]!, shareOf(numbers, isInTime))
      }
      sent += counted.size
      for (const number of counted.keys()) if (!times.has(number)) lost++
      for (const ages of times.values()) if (ages.length > 1) twice++
    }
  }
  const result: Talk = { share, sent, lost, twice, shares }
  return result
})

/** The share (%) of the numbers that pass; 0 of none. */
const shareOf = (numbers: ReadonlyArray<number>, passes: (number: number) => boolean): number =>
  numbers.length === 0 ? 0 : (100 * numbers.filter(passes).length) / numbers.length

/** The share (%) that the worst pair hears within two seconds, see {@link talk}. */
export const heardShare = (members: ReadonlyArray<Member>, topic: string, options: TrafficOptions) =>
  Effect.map(talk(members, topic, options), ({ share }) => share)

/** The ages (ms) at which messages of the author were heard, by number. */
const heardOf = (author: string, { heard }: Traffic): ReadonlyMap<number, ReadonlyArray<number>> => {
  const times = new Map<number, Array<number>>()
  for (const [by, number, age] of heard) {
    if (by !== author) continue
    const ages = times.get(number)
    if (ages === undefined) times.set(number, [age])
    else ages.push(age)
  }
  return times
}

const each = <A, E>(members: ReadonlyArray<Member>, run: (member: Member) => Effect.Effect<A, E>) =>
  Effect.forEach(members, run, { concurrency: "unbounded" })
