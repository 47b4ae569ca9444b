/**
 * A neighbour that takes one small piece of what is written to it every 29 s, so that it is never silent and never done. Found by
 * review G1: a topic was shut for 1,788 of 1,800 s.
 */
import { Effect } from "effect"
import { neighbor, peerData } from "../attacker/frames.ts"
import { IrohPeer } from "../attacker/IrohPeer.ts"
import { type Attack, atLeast, atMost, attempt } from "../harness/Attack.ts"
import { heardShare, joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const TOPIC = "a slow neighbour"
/** Bytes on the way to the attacker, beyond what it reads. */
const WINDOW_BYTES = 16_384
const TAKEN_BYTES = 12_288
const TAKES_EVERY_MS = 29_000
/** 20 messages a second from each of two members. */
const EVERY_MS = 50
const MESSAGE_BYTES = 3_800

export const slowNeighbour: Attack = {
  name: "slow-neighbour",
  about: "a neighbour takes one write every 29 s",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const members: Array<Member> = []
    for (let i = 0; i < 2; i++) members.push(yield* startMember(yield* startVictim(), { bootstrap }))
    yield* joinAll(members, TOPIC)
    const peer = yield* IrohPeer.make()
    const closed: { ms?: number } = {}
    yield* attempt("the slow neighbour", async () => {
      const link = await peer.dial(members[0]!)
      link.connection.setReceiveWindow(BigInt(WINDOW_BYTES))
      const begun = performance.now()
      void link.closed.then(() => {
        closed.ms = performance.now() - begun
      })
      const take = async (): Promise<void> => {
        const stream = await link.connection.acceptUni()
        for (;;) {
          await stream.read(TAKEN_BYTES)
          await new Promise((resolve) => setTimeout(resolve, TAKES_EVERY_MS).unref())
        }
      }
      take().catch(() => {})
      await (await link.open(TOPIC)).write(neighbor("high", peerData([peer.address])))
    })
    const heard = yield* heardShare(members, TOPIC, {
      everyMs: EVERY_MS,
      bytes: MESSAGE_BYTES,
      forMs: scale.pick(40_000, 12_000),
    })
    return [
      atLeast("honest heard", heard, "%", 95),
      atMost("closed after", (closed.ms ?? Number.POSITIVE_INFINITY) / 1_000, "s", 10),
    ]
  }),
}
