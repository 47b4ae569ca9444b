/**
 * Some keys each ask every member once to be neighbours, with high priority, and then pass nothing on. A key that is sent away asks
 * again a second later. They need the topic's name and the members' endpoint ids only.
 */
import { Console, Effect } from "effect"
import { kindOf, neighbor, peerData } from "../attacker/frames.ts"
import { IrohPeer, type Link } from "../attacker/IrohPeer.ts"
import { type Attack, atLeast, type Scale } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet, talk } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const AGAIN_MS = 1_000

/** Asks the member, reads everything, and asks again after a Disconnect or when the connection is closed. Runs until interrupted. */
const crowd = (peer: IrohPeer, member: Member, topic: string) =>
  Effect.forever(
    Effect.callback<void>((resume) => {
      let link: Link | undefined
      let isOver = false
      const again = () => {
        if (isOver) return
        isOver = true
        setTimeout(() => resume(Effect.void), AGAIN_MS)
      }
      peer
        .dial(member)
        .then(async (dialled) => {
          link = dialled
          if (isOver) return dialled.close()
          dialled.read((body) => {
            if (kindOf(body) === "Disconnect") again()
          })
          dialled.closed.then(again, again)
          const stream = await dialled.open(topic)
          await stream.write(neighbor("high", peerData([peer.address])))
        })
        .catch(again)
      return Effect.sync(() => {
        isOver = true
        link?.close()
      })
    }),
  )

/** The share that `count` members hear of each other. */
const share = Effect.fnUntraced(function* (
  bootstrap: ReadonlyArray<string>,
  count: number,
  keys: number,
  scale: Scale,
) {
  const topic = `${keys} keys and ${count} members`
  const members: Array<Member> = []
  // One process for all members: only what they hear is measured, and five processes would take the machine from them.
  const victim = yield* startVictim()
  for (let i = 0; i < count; i++) members.push(yield* startMember(victim, { bootstrap }))
  yield* joinAll(members, topic)
  const peers = yield* Effect.forEach(Array.from({ length: keys }), () => IrohPeer.make())
  for (const peer of peers) for (const member of members) yield* Effect.forkScoped(crowd(peer, member, topic))
  yield* Effect.sleep(scale.pick(3_000, 1_000))
  const heard = yield* talk(members, topic, { everyMs: 200, bytes: 100, forMs: scale.listenMs(55_000, 6_000) })
  const shares = heard.shares.map((each) => each.toFixed(0)).join(" ")
  yield* Console.error(`  ${topic}: worst pair in each half minute (%): ${shares}`)
  return heard.share
})

const attack = (name: string, keys: number): Attack => ({
  name,
  ...(keys > 5 ? { fullOnly: true } : {}),
  about: `${keys} keys ask every member to be neighbours and pass nothing on`,
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const [two, five] = yield* Effect.all([share(bootstrap, 2, keys, scale), share(bootstrap, 5, keys, scale)], {
      concurrency: 2,
    })
    return [atLeast("2 members hear", two, "%", 90), atLeast("5 members hear", five, "%", 90)]
  }),
})

export const fiveKeys = attack("five-keys", 5)
export const tenKeys = attack("ten-keys", 10)
