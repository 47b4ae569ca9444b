/** A neighbour names messages that do not exist, 400 KB of ids a second. Each may be remembered, with a timer, and asked for. */
import { Effect, Schedule } from "effect"
import { iHave, messageIds, neighbor, peerData } from "../attacker/frames.ts"
import { IrohPeer } from "../attacker/IrohPeer.ts"
import { type Attack, atMost, attempt } from "../harness/Attack.ts"
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
    const peer = yield* IrohPeer.make()
    const stream = yield* attempt("the neighbour", async () => {
      const link = await peer.dial(members[0]!)
      link.read(() => {})
      const opened = await link.open(TOPIC)
      await opened.write(neighbor("high", peerData([peer.address])))
      return opened
    })
    yield* victim.call("collectGarbage")
    const before = victim.rssBytes()
    const flood = Effect.promise(() =>
      stream
        .write(Buffer.concat(Array.from({ length: FRAMES_PER_TICK }, () => iHave(messageIds(IDS_PER_FRAME)))))
        .catch(() => {}),
    )
    yield* Effect.forkScoped(Effect.repeat(flood, Schedule.fixed(TICK_MS)))
    yield* Effect.sleep(scale.pick(30_000, 5_000))
    yield* victim.call("collectGarbage")
    // 180 MB in 40 s before; a bounded memory is a few megabytes.
    return [atMost("memory", (victim.rssBytes() - before) / 2 ** 20, "MB", 32)]
  }),
}
