/**
 * A few keys that ask every member of a topic to be its neighbour and then pass on nothing. Members vouch for one another, as a program
 * does whose records opened.
 */
import { assert, describe, it } from "@effect/vitest"
import { bytes, configWith, neighbor, topic } from "./node.ts"
import { Swarm } from "./Swarm.ts"

const MINUTES = 5

const member = (i: number) => `member ${i}`
const key = (i: number) => `key ${i}`

interface Attack {
  readonly members: number
  readonly keys: number
  readonly seed: number
  /** The time from one request of a key to each member to its next one, in ms; without it a key asks once. */
  readonly everyMs?: number
  /** The keys are in all views before the members know one another. */
  readonly isFirst?: boolean
  /** Each member has a link with one other at first, so that they are in pairs. */
  readonly inPairs?: boolean
}

/** The share of the members' messages that the other members received within 2 s, over five minutes. */
const heard = ({ everyMs = Number.POSITIVE_INFINITY, inPairs, isFirst, keys, members, seed }: Attack): number => {
  const swarm = new Swarm(configWith({}), seed)
  const all = Array.from({ length: members }, (_, i) => member(i))
  for (const each of all) {
    swarm.add(each)
    swarm.handle(each, { _tag: "Join", topic, peers: [] })
  }
  const meet = () => {
    for (const [i, each] of all.entries()) {
      const others = all.filter((other) => other !== each)
      swarm.handle(each, { _tag: "VouchFor", topic, peers: others })
      swarm.handle(each, {
        _tag: "Join",
        topic,
        peers: inPairs === true ? all.slice(i ^ 1, (i ^ 1) + 1) : others.slice(0, 2),
      })
    }
    swarm.run(1_000)
  }
  const ask = () => {
    for (let i = 0; i < keys; i++) for (const each of all) swarm.sendAs(key(i), each, neighbor("high"))
    swarm.run(100)
  }
  if (isFirst === true) ask()
  meet()
  if (isFirst !== true) ask()
  let askedAt = swarm.now
  let arrived = 0
  const rounds = MINUTES * 10
  for (let round = 0; round < rounds; round++) {
    if (swarm.now - askedAt >= everyMs) {
      askedAt = swarm.now
      ask()
    }
    const before = all.map((each) => swarm.received.get(each)!.length)
    for (const each of all) {
      swarm.handle(each, { _tag: "Broadcast", topic, content: bytes(`${each} ${round}`), scope: "swarm" })
    }
    swarm.run(2_000)
    for (const [i, each] of all.entries()) arrived += swarm.received.get(each)!.length - before[i]!
    swarm.run(4_000)
  }
  return arrived / (rounds * members * (members - 1))
}

describe("five or ten silent keys", () => {
  for (const members of [2, 5]) {
    for (const keys of [5, 10]) {
      for (const [when, attack] of [
        ["that ask once", {}],
        ["that were there first", { isFirst: true }],
        ["that ask again each second", { everyMs: 1_000, isFirst: true }],
        ["between members in pairs", { everyMs: 2_000, isFirst: true, inPairs: true }],
      ] as const) {
        it(`${keys} keys ${when} leave ${members} members at least 90 % of each other's messages`, () => {
          for (const seed of [1, 2]) assert.isAtLeast(heard({ members, keys, seed, ...attack }), 0.9)
        })
      }
    }
  }
})
