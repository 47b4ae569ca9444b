/**
 * A neighbour that takes one small piece of what is written to it every 29 s, so that it is never silent and never done. Found by
 * review G1: a topic was shut for 1,788 of 1,800 s.
 */
import { Effect, Schedule } from "effect"
import { neighbor, peerData } from "../attacker/frames.ts"
import { IrohPeer } from "../attacker/IrohPeer.ts"
import { type Attack, atLeast, atMost, attempt } from "../harness/Attack.ts"
import { heardShare, joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const TOPIC = "a slow neighbour"
/** QUIC takes more than a megabyte for a stream that is not read. It is full when less than this comes in a second. */
const TRICKLE_BYTES = 5_000
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
    // Times in ms: when QUIC takes no more of what is written to the slow one, and when it is closed.
    const slow: { fullAt?: number; closedAt?: number } = {}
    const watch = yield* attempt("the slow neighbour", async () => {
      const link = await peer.dial(members[0]!)
      void link.closed.then(() => {
        slow.closedAt = performance.now()
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
      let before = 0
      return () => {
        const { udpRxBytes } = link.connection.stats()
        if (before > 500_000 && udpRxBytes - before < TRICKLE_BYTES) slow.fullAt ??= performance.now() - 1_000
        before = udpRxBytes
      }
    })
    yield* Effect.forkScoped(Effect.repeat(Effect.sync(watch), Schedule.fixed(1_000)))
    const heard = yield* heardShare(members, TOPIC, {
      everyMs: EVERY_MS,
      bytes: MESSAGE_BYTES,
      forMs: scale.pick(40_000, 22_000),
    })
    const { closedAt, fullAt } = slow
    // Closed before it was full is soon enough.
    const after = closedAt === undefined ? Number.POSITIVE_INFINITY : fullAt === undefined ? 0 : closedAt - fullAt
    return [atLeast("honest heard", heard, "%", 95), atMost("closed after", after / 1_000, "s", 10)]
  }),
}
