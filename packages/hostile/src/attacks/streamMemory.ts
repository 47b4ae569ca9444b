/**
 * Four connections with 4,096 streams each. Every stream brings a byte, then another, then some data, and never ends. Each open stream may
 * cost the victim a read buffer and a window of data that it has not read.
 */

import type { SendStream } from "@number0/iroh"
import { Effect } from "effect"
import { IrohPeer, type Link } from "../attacker/IrohPeer.ts"
import { type Attack, atMost, attempt } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const TOPIC = "many streams"
const CONNECTIONS = 4
const STREAMS = 4_096
const DATA = Array.from({ length: 65_536 }, () => 0)

/** Opens as many streams as the victim allows, up to 4,096, and writes on each as much as fits, until the time is over. */
const fill = async (link: Link, forMs: number): Promise<void> => {
  const end = performance.now() + forMs
  const streams: Array<SendStream> = []
  const opening = (async () => {
    while (streams.length < STREAMS && performance.now() < end) {
      const stream = await link.connection.openUni()
      streams.push(stream)
      await stream.writeAll([0])
    }
  })()
  opening.catch(() => {})
  await Promise.race([opening, sleep(forMs / 2)])
  await Promise.race([Promise.allSettled(streams.map((stream) => stream.writeAll([0]))), sleep(1_000)])
  // A stream whose window is full keeps its write waiting; the others go on.
  for (const stream of streams) {
    if (performance.now() >= end) break
    await Promise.race([stream.writeAll(DATA).catch(() => {}), sleep(20)])
  }
  await sleep(Math.max(0, end - performance.now()))
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const streamMemory: Attack = {
  name: "stream-memory",
  about: "4,096 streams on each of 4 connections, with data that never ends",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const members: Array<Member> = []
    for (let i = 0; i < 2; i++) members.push(yield* startMember(yield* startVictim(), { bootstrap }))
    yield* joinAll(members, TOPIC)
    const [victim] = members
    yield* victim!.victim.call("collectGarbage")
    const before = victim!.victim.rssBytes()
    let highest = before
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.andThen(
          Effect.sync(() => {
            highest = Math.max(highest, victim!.victim.rssBytes())
          }),
          Effect.sleep(100),
        ),
      ),
    )
    const peers = yield* Effect.forEach(Array.from({ length: CONNECTIONS }), () => IrohPeer.make())
    yield* attempt("the streams", () =>
      Promise.all(peers.map(async (peer) => fill(await peer.dial(victim!), scale.pick(25_000, 7_000)))),
    )
    return [atMost("memory", (highest - before) / 2 ** 20, "MB", 64)]
  }),
}
