/**
 * An outsider puts an item of a low seq into a topic's slots on 19 of 20 DHT nodes. A put with `cas` would be refused there, and one node
 * that stores it would count as success. Two nodes of ours must meet all the same.
 */
import { randomBytes } from "node:crypto"
import { Effect } from "effect"
import { addressOf, findString, minuteNow, Speaker, slotOf } from "../attacker/krpc.ts"
import { type Attack, atLeast, atMost } from "../harness/Attack.ts"
import { startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"
import { meet, meetings } from "./slotFilled.ts"

const FILLED = 19
const LOW_SEQ = 1n
const RECORD_BYTES = 620

export const lowSeq: Attack = {
  name: "low-seq",
  about: "an item of seq 1 in the slots on 19 of 20 DHT nodes",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const victims = yield* Effect.all([startVictim(), startVictim()], { concurrency: 2 })
    const speaker = yield* Speaker.make()
    const fill = (topic: string) =>
      Effect.promise(() =>
        Promise.all(
          bootstrap.slice(0, FILLED).flatMap((node) =>
            [-1, 0, 1].map(async (ahead) => {
              const to = addressOf(node)
              const slot = slotOf(topic, minuteNow() + ahead)
              const item = slot.item(randomBytes(RECORD_BYTES), LOW_SEQ)
              for (let attempt = 0; attempt < 3; attempt++) {
                const answer = await speaker.ask(to, "get", { target: slot.target }, 2_000)
                const token = answer === undefined ? undefined : findString(answer, "token")
                if (token === undefined) continue
                if ((await speaker.ask(to, "put", { ...item, token }, 2_000)) !== undefined) return true
              }
              return false
            }),
          ),
        ),
      )
    const times: Array<number | undefined> = []
    let filled = 0
    for (let i = 0; i < scale.pick(10, 3); i++) {
      const topic = `low seq ${i}`
      filled += (yield* fill(topic)).filter((isFilled) => isFilled).length
      times.push(yield* meet(victims, bootstrap.slice(0, 4), topic))
    }
    const { share, worst } = meetings(times)
    return [
      atLeast("slots filled", (100 * filled) / (times.length * FILLED * 3), "%", 100),
      atLeast("met", share, "%", 100),
      atMost("worst", worst, "s", 5),
    ]
  }),
}
