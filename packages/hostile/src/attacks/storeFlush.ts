/**
 * Hosts of an attacker put as many items as they can into a DHT node of ours, to push out those of others: first one host, then 30 in
 * networks of their own, which together fill the store. The items of honest hosts must stay.
 */
import { Effect } from "effect"
import { type Address, addressOf, findString, minuteNow, Speaker, slotOf } from "../attacker/krpc.ts"
import { type Attack, AttackFailed, atLeast, atMost } from "../harness/Attack.ts"
import { startMember } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const HONEST_HOSTS = 20
const ITEMS_EACH = 5
const HOSTILE_HOSTS = 30
/** The queries that a host may send at once, and the time until it may again. */
const PUTS_AT_ONCE = 45
const PAUSE_MS = 4_500
const ANSWER_MS = 1_000
const ATTEMPTS = 5

/** Asks again if no answer comes: the node sends only so many bytes a second. */
const askAgain = async (speaker: Speaker, node: Address, target: Buffer): Promise<Buffer | undefined> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const answer = await speaker.ask(node, "get", { target }, ANSWER_MS)
    if (answer !== undefined) return answer
  }
  return undefined
}

/** Puts the items with one token, which a node gives for any target. Returns how many it confirmed. */
const putAll = async (speaker: Speaker, node: Address, names: ReadonlyArray<string>): Promise<number> => {
  const answer = await askAgain(speaker, node, speaker.id)
  const token = answer === undefined ? undefined : findString(answer, "token")
  if (token === undefined) return 0
  const answers = await Promise.all(
    names.map((name) => {
      const item = slotOf(name, minuteNow()).item(Buffer.from(name))
      return speaker.ask(node, "put", { ...item, token }, ANSWER_MS)
    }),
  )
  return answers.filter((each) => each?.includes("1:y1:r") === true).length
}

const speakersOn = (first: number, count: number) =>
  Effect.forEach(Array.from({ length: count }).keys(), (i) => Speaker.make(`5.${first + i}.1.1`))

export const storeFlush: Attack = {
  name: "store-flush",
  about: "one host, then 30, put items into a DHT node to push out others'",
  needsNamespace: true,
  run: Effect.fnUntraced(function* (scale) {
    const testnet = yield* startVictim()
    const bootstrap = yield* testnet.call("startDhtNodes", { nodes: 3, hosts: ["5.10.1.1", "5.11.1.1", "5.12.1.1"] })
    const member = yield* startMember(yield* startVictim(), { bootstrap, dhtHost: "5.20.1.1" })
    const node = addressOf(member.dht)
    const minute = minuteNow()
    const honest = yield* speakersOn(30, HONEST_HOSTS)
    const names: Array<string> = []
    for (const [host, speaker] of honest.entries()) {
      const own = Array.from({ length: ITEMS_EACH }, (_, i) => `honest ${host} ${i}`)
      names.push(...own)
      if ((yield* Effect.promise(() => putAll(speaker, node, own))) < ITEMS_EACH) {
        return yield* new AttackFailed({ message: "the DHT node did not store an honest item" })
      }
    }
    /** The share (%) of the honest items that the node still shows. */
    const kept = Effect.gen(function* () {
      let found = 0
      for (const [i, name] of names.entries()) {
        const reader = honest[i % HONEST_HOSTS]!
        const answer = yield* Effect.promise(() => askAgain(reader, node, slotOf(name, minute).target))
        if (answer?.includes(name) === true) found++
      }
      return (100 * found) / names.length
    })
    const flood = Effect.fnUntraced(function* (hosts: number, rounds: number) {
      const speakers = yield* speakersOn(60, hosts)
      let number = 0
      for (let round = 0; round < rounds; round++) {
        yield* Effect.forEach(
          speakers,
          (speaker) => {
            const own = Array.from({ length: PUTS_AT_ONCE }, () => `hostile ${hosts} ${number++}`)
            return Effect.promise(() => putAll(speaker, node, own))
          },
          { concurrency: 4, discard: true },
        )
        yield* Effect.sleep(PAUSE_MS)
      }
    })
    yield* flood(1, scale.pick(4, 2))
    const afterOne = yield* kept
    const figures = [atLeast("1 host: kept", afterOne, "%", 100)]
    if (!scale.isShort) {
      yield* flood(HOSTILE_HOSTS, 1)
      figures.push(atLeast("30 hosts: kept", yield* kept, "%", 50))
    }
    const { dht } = yield* member.victim.call("counters", member.node)
    return [...figures, atMost("items stored", dht.itemsStored, "", 1_000)]
  }),
}
