/**
 * 400 KB of valid frames a second from one peer that is no neighbour. Shuffles that name 119 peers each are the dearest to read: each key
 * may be checked to be a point of the curve.
 */
import { randomBytes } from "node:crypto"
import { Effect } from "effect"
import { endpointKey, frame, fullShuffle, iHave, MAX_FRAME_BYTES, messageIds, payload } from "../attacker/frames.ts"
import { keepWriting } from "../attacker/keepWriting.ts"
import { type Attack, atMost, type Scale } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const BYTES_PER_SECOND = 400_000
const TICK_MS = 100
const TOPIC = "dear frames"

/** More keys than any memory of checked keys holds. */
const KEYS = 12_000

/** Written over and over: some seconds of traffic. */
const FRAMES = 200

/** The processor time of the victim (% of a core) while it reads the frames, less its time without them. */
const cost = Effect.fnUntraced(function* (
  victim: Member,
  topic: string,
  frames: ReadonlyArray<Buffer>,
  idle: number,
  scale: Scale,
) {
  let next = 0
  const perTick = (BYTES_PER_SECOND * TICK_MS) / 1_000
  let due = 0
  const batch = (): Buffer => {
    const chosen: Array<Buffer> = []
    for (due += perTick; due > 0; due -= chosen.at(-1)!.length) chosen.push(frames[next++ % frames.length]!)
    return Buffer.concat(chosen)
  }
  yield* Effect.forkScoped(keepWriting({ target: victim, topic, next: batch, everyMs: TICK_MS, newKeys: false }))
  yield* Effect.sleep(1_000)
  return (yield* processorShare(victim, scale.pick(8_000, 3_000))) - idle
}, Effect.scoped)

export const processorShare = ({ victim }: Member, ms: number) =>
  Effect.gen(function* () {
    const before = victim.cpuMs()
    const begun = performance.now()
    yield* Effect.sleep(ms)
    return (100 * (victim.cpuMs() - before)) / (performance.now() - begun)
  })

export const frameCost: Attack = {
  name: "frame-cost",
  about: "400 KB of frames a second from one stranger",
  run: Effect.fnUntraced(function* (scale) {
    const keys = Array.from({ length: KEYS }, endpointKey)
    let next = 0
    const shuffles = Array.from({ length: FRAMES / 2 }, () => fullShuffle(() => keys[next++ % KEYS]!))
    const announcements = Array.from({ length: FRAMES }, () => iHave(messageIds(120)))
    const payloads = Array.from({ length: FRAMES }, () => payload(randomBytes(3_900)))
    const garbage = Array.from({ length: FRAMES }, () => frame(randomBytes(MAX_FRAME_BYTES)))
    const bootstrap = yield* startTestnet()
    const victim = yield* startMember(yield* startVictim(), { bootstrap })
    const partner = yield* startMember(yield* startVictim(), { bootstrap })
    yield* joinAll([victim, partner], TOPIC)
    yield* Effect.sleep(2_000)
    const idle = yield* processorShare(victim, scale.pick(4_000, 2_000))
    const shuffled = yield* cost(victim, TOPIC, shuffles, idle, scale)
    const unopened = yield* cost(victim, "a topic that is not open", shuffles, idle, scale)
    if (scale.isShort) {
      return [atMost("Shuffle", shuffled, "% cpu", 10), atMost("unopened topic", unopened, "% cpu", 10)]
    }
    return [
      atMost("Shuffle", shuffled, "% cpu", 10),
      atMost("unopened topic", unopened, "% cpu", 10),
      atMost("IHave", yield* cost(victim, TOPIC, announcements, idle, scale), "% cpu", 10),
      atMost("payloads", yield* cost(victim, TOPIC, payloads, idle, scale), "% cpu", 10),
      atMost("garbage", yield* cost(victim, TOPIC, garbage, idle, scale), "% cpu", 10),
    ]
  }),
}
