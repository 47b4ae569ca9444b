/**
 * A million mutated datagrams at the DHT's socket and 100,000 mutated frames over QUIC, while the victim talks with an honest member. The
 * inputs are those of the fuzzing, over real sockets. A bare endpoint of the binding gets the same frames: what its memory grows by is the
 * binding's, and does not count.
 */
import { GOSSIP_ALPN, Protocol } from "@topic-tracker/gossip"
import { Console, Effect } from "effect"
import { frame, neighbor } from "../attacker/frames.ts"
import { IrohPeer, type Target, type TopicStream } from "../attacker/IrohPeer.ts"
import { addressOf, Speaker } from "../attacker/krpc.ts"
import { krpc } from "../fuzz/dhtDecoders.ts"
import { gossipMessage } from "../fuzz/gossipDecoders.ts"
import { mutate } from "../fuzz/mutate.ts"
import { type Attack, atLeast, atMost } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet, talk } from "../harness/members.ts"
import { startVictim, type Victim } from "../harness/Victim.ts"

const TOPIC = "hostile traffic"
const DATAGRAMS = 1_000_000
const FRAMES = 100_000
/** Datagrams at a time: a socket's buffer holds some hundred. */
const BURST = 200
const BURST_EVERY_MS = 10
const FRAMES_AT_ONCE = 20
const HOSTS = 20
/** Attackers over QUIC at a time: each is refused after a few malformed streams. */
const WRITERS = 4
/** The bare endpoint closes a connection after so many streams, as our nodes do after four malformed ones. */
const BARE_STREAMS = 4

const mutants = (decoder: typeof krpc, count: number): ReadonlyArray<Uint8Array> => {
  const rng = new Protocol.Xoshiro128(28)
  const valid = Array.from({ length: 500 }, () => decoder.generate(rng))
  return Array.from({ length: count }, (_, i) =>
    mutate(rng, valid[i % valid.length]!, valid[rng.nextInt(valid.length)]!),
  )
}

const sendDatagrams = Effect.fnUntraced(function* (victim: Member, count: number, progress: { datagrams: number }) {
  const inputs = mutants(krpc, 20_000)
  const speakers = yield* Effect.forEach(Array.from({ length: HOSTS }).keys(), (i) => Speaker.make(`127.11.${i}.1`))
  const node = addressOf(victim.dht)
  while (progress.datagrams < count) {
    for (let i = 0; i < BURST; i++, progress.datagrams++) {
      speakers[progress.datagrams % HOSTS]!.send(inputs[progress.datagrams % inputs.length]!, node)
    }
    yield* Effect.sleep(BURST_EVERY_MS)
  }
}, Effect.scoped)

/** Writes some frames on each stream, and opens the next. A key that is thrown out comes back as another. */
const sendFrames = Effect.fnUntraced(function* (victim: Target, count: number, progress: { frames: number }) {
  const inputs = mutants(gossipMessage, 20_000).map((body) => frame(body))
  while (progress.frames < count) {
    yield* Effect.gen(function* () {
      const peer = yield* IrohPeer.make()
      yield* Effect.promise(async () => {
        try {
          const link = await peer.dial(victim)
          link.read(() => {})
          while (progress.frames < count) {
            const stream: TopicStream = await link.open(TOPIC)
            if (progress.frames % 7 === 0) await stream.write(neighbor("high"))
            for (let i = 0; i < FRAMES_AT_ONCE; i++) {
              await stream.write(inputs[progress.frames++ % inputs.length]!)
            }
            await stream.finish()
          }
        } catch {
          // The stream or the connection was closed.
        }
      })
    }).pipe(Effect.scoped)
  }
})

/** The growth (MB) of a process's resident memory from now on, after collection. */
const grown = (victim: Victim) => {
  const resident = Effect.map(victim.call("collectGarbage"), () => victim.rssBytes() / 2 ** 20)
  return Effect.map(resident, (before) => Effect.map(resident, (after) => after - before))
}

export const hostileTraffic: Attack = {
  name: "hostile-traffic",
  about: "10^6 mutated datagrams and 10^5 mutated frames, while two members talk",
  fullOnly: true,
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const members: Array<Member> = []
    for (let i = 0; i < 2; i++) members.push(yield* startMember(yield* startVictim(), { bootstrap }))
    yield* joinAll(members, TOPIC)
    const { victim } = members[0]!
    const control = yield* startVictim()
    const bare = yield* control.call("startBare", { alpn: GOSSIP_ALPN, maxStreams: BARE_STREAMS })
    const progress = { datagrams: 0, frames: 0 }
    const atControl = { frames: 0 }
    const frames = scale.pick(FRAMES, 2_000)
    const attackers = [
      sendDatagrams(members[0]!, scale.pick(DATAGRAMS, 50_000), progress),
      ...Array.from({ length: WRITERS }, () => sendFrames(members[0]!, frames, progress)),
      ...Array.from({ length: WRITERS }, () => sendFrames(bare, frames, atControl)),
    ]
    yield* Effect.forkScoped(Effect.all(attackers, { concurrency: "unbounded" }))
    // The first half fills memories that are bounded, and lets V8's heap grow to the size that this load needs.
    const half = scale.pick(DATAGRAMS, 50_000) / 2
    yield* Effect.sleep(500).pipe(Effect.repeat({ until: () => progress.datagrams >= half }))
    const growth = yield* Effect.forEach([victim, control], grown)
    const heard = yield* talk(members, TOPIC, { everyMs: 100, bytes: 200, forMs: scale.pick(90_000, 5_000) })
    const [ours = 0, ofBinding = 0] = yield* Effect.all(growth)
    yield* Console.error(
      `  memory in the 2nd half: ours ${ours.toFixed(1)} MB, the bare binding ${ofBinding.toFixed(1)} MB after ${atControl.frames} frames`,
    )
    return [
      atMost("lost", heard.lost, "", 0),
      atMost("twice", heard.twice, "", 0),
      atMost("memory, 2nd half", ours - Math.max(0, ofBinding), "MB", 16),
      atLeast("datagrams", progress.datagrams / 1_000, "k", scale.pick(DATAGRAMS, 50_000) / 1_000),
      atLeast("frames", progress.frames / 1_000, "k", frames / 1_000),
    ]
  }),
}
