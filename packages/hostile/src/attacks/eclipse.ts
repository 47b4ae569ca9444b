/**
 * 24 DHT nodes of the attacker stand beside a topic's slot, closer than any of 100 honest ones, on one address or on three. They answer
 * gets with no item, with garbage, or with made-up nodes that are closer still. Two fresh nodes of ours must meet all the same.
 */
import { randomBytes, randomInt } from "node:crypto"
import { Effect, type Scope } from "effect"
import {
  type Address,
  addressOf,
  compactNode,
  methodOf,
  minuteNow,
  type Slot,
  Speaker,
  slotOf,
} from "../attacker/krpc.ts"
import { type Attack, type AttackFailed, atLeast } from "../harness/Attack.ts"
import { startVictim } from "../harness/Victim.ts"
import { meet, meetings } from "./slotFilled.ts"

const HONEST = 100
const HOSTILE = 24
const RECORD_BYTES = 620
const MADE_UP = 32

type Mode = "silent" | "garbage" | "made-up"

/** An id that agrees with the target in its first bytes. */
const beside = (target: Buffer, bytes: number): Buffer =>
  Buffer.concat([target.subarray(0, bytes), randomBytes(20 - bytes)])

/** A hostile node. It names its friends to everybody that asks for nodes near the slot. */
const hostileNode = (
  host: string,
  slot: Slot,
  mode: Mode,
  friends: () => Buffer,
): Effect.Effect<Speaker, AttackFailed, Scope.Scope> =>
  Effect.map(Speaker.make(host), (speaker) => {
    beside(slot.target, 6).copy(speaker.id)
    const nodes = (): Buffer =>
      mode === "made-up"
        ? Buffer.concat(
            Array.from({ length: MADE_UP }, () =>
              compactNode(beside(slot.target, 8), {
                host: `5.${randomInt(220, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`,
                port: randomInt(1_024, 60_000),
              }),
            ),
          )
        : friends()
    speaker.onMessage = (datagram, from) => {
      const method = methodOf(datagram)
      if (method === undefined) return
      const token = Buffer.from("token")
      if (method === "get" && mode === "silent") return
      if (method === "get" && mode === "garbage") {
        const { k, seq, sig, v } = slot.item(randomBytes(RECORD_BYTES))
        return speaker.reply(datagram, from, { token, nodes: nodes(), k, sig, seq, v })
      }
      // A put is confirmed and forgotten.
      speaker.reply(datagram, from, method === "ping" || method === "put" ? {} : { token, nodes: nodes() })
    }
    return speaker
  })

/** Makes the honest nodes know the hostile ones, as any node becomes known: by its queries. */
const introduce = (speakers: ReadonlyArray<Speaker>, honest: ReadonlyArray<Address>) =>
  Effect.forEach(
    speakers,
    (speaker) =>
      Effect.promise(() =>
        Promise.all(honest.map((node) => speaker.ask(node, "find_node", { target: speaker.id }, 500))),
      ),
    { concurrency: 4, discard: true },
  )

export const eclipse: Attack = {
  name: "eclipse",
  about: "24 hostile DHT nodes beside the slot, among 100 honest ones",
  needsNamespace: true,
  run: Effect.fnUntraced(function* (scale) {
    const dht = yield* startVictim()
    const honest = yield* dht.call("startDhtNodes", {
      nodes: HONEST,
      hosts: Array.from({ length: HONEST }, (_, i) => `5.${10 + i}.${1 + i}.1`),
    })
    const victims = yield* Effect.all([startVictim(), startVictim()], { concurrency: 2 })
    const nodes = honest.map(addressOf)
    let round = 0

    const tryOnce = Effect.fnUntraced(function* (mode: Mode, addresses: number) {
      round++
      const topic = `eclipse ${mode} ${addresses} ${round}`
      const speakers: Array<Speaker> = []
      for (const minute of [minuteNow(), minuteNow() - 1]) {
        const slot = slotOf(topic, minute)
        const group: Array<Speaker> = []
        const friends = () => Buffer.concat(group.slice(0, 20).map(({ address, id }) => compactNode(id, address)))
        for (let i = 0; i < HOSTILE; i++) {
          group.push(yield* hostileNode(`5.150.${round}.${(i % addresses) + 1}`, slot, mode, friends))
        }
        speakers.push(...group)
      }
      yield* introduce(speakers, nodes)
      return yield* meet(victims, honest.slice(0, 4), topic, {
        dhtHosts: [`5.160.${round}.1`, `5.170.${round}.1`],
      })
    }, Effect.scoped)

    const figures = []
    for (const addresses of [1, 3]) {
      for (const mode of ["silent", "garbage", "made-up"] as const) {
        const times: Array<number | undefined> = []
        for (let i = 0; i < scale.pick(10, 1); i++) times.push(yield* tryOnce(mode, addresses))
        figures.push(atLeast(`${mode}, ${addresses}`, meetings(times).share, "% met", 100))
      }
    }
    return figures
  }),
}
