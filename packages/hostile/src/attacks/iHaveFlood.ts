/** A neighbour names messages that do not exist, 400 KB of ids a second. Each may be remembered, with a timer, and asked for. */
import { Effect } from "effect"
import { iHave, messageIds, neighbor, peerData } from "../attacker/frames.ts"
import { keepWriting } from "../attacker/keepWriting.ts"
import { type Attack, atMost } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const TOPIC = "messages that do not exist"
const TICK_MS = 100
const FRAMES_PER_TICK = 10
const IDS_PER_FRAME = 120

export const iHaveFlood: Attack = {
  name: "ihave-flood",
  about: "a neighbour announces 400 KB of unknown ids a second",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const members: Array<Member> = []
    for (let i = 0; i < 2; i++) members.push(yield* startMember(yield* startVictim(), { bootstrap }))
    yield* joinAll(members, TOPIC)
    const { victim } = members[0]!
    yield* victim.call("collectGarbage")
    const before = victim.rssBytes()
    yield* Effect.forkScoped(
      keepWriting({
        target: members[0]!,
        topic: TOPIC,
        first: (peer) => neighbor("high", peerData([peer.address])),
        next: () => Buffer.concat(Array.from({ length: FRAMES_PER_TICK }, () => iHave(messageIds(IDS_PER_FRAME)))),
        everyMs: TICK_MS,
        newKeys: false,
      }),
    )
    yield* Effect.sleep(scale.pick(30_000, 5_000))
    yield* victim.call("collectGarbage")
    // 180 MB in 40 s before; a bounded memory is a few megabytes.
    return [atMost("memory", (victim.rssBytes() - before) / 2 ** 20, "MB", 32)]
  }),
}
