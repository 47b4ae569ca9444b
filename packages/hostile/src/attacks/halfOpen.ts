/**
 * 256 handshakes that are never finished: the attacker's packets pass a relay that drops all answers, as if their source were forged.
 * Meanwhile an honest peer at another address dials the victim.
 */
import { createSocket } from "node:dgram"
import { Effect, Schedule, type Scope } from "effect"
import { IrohPeer, type Target } from "../attacker/IrohPeer.ts"
import { addressOf } from "../attacker/krpc.ts"
import { type Attack, type AttackFailed, atMost, attempt } from "../harness/Attack.ts"
import { startMember, startTestnet } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

const HANDSHAKES = 256
/** A client gives up a handshake, and begins another. */
const AGAIN_MS = 4_000
const DIAL_WITHIN_MS = 10_000
const HONEST_HOST = "127.0.0.2"

/** A socket that forwards what it gets to the victim, from an address of its own, and drops what comes back. */
const oneWay = (host: string, victim: string): Effect.Effect<string, AttackFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const to = addressOf(victim)
    const [inside, outside] = yield* Effect.all([bind("127.0.0.1"), bind(host)])
    inside.on("message", (datagram) => outside.send(datagram, to.port, to.host, () => {}))
    return `127.0.0.1:${inside.address().port}`
  })

const bind = (host: string) =>
  Effect.acquireRelease(
    attempt(`socket on ${host}`, async () => {
      const socket = createSocket("udp4")
      socket.on("error", () => {})
      await new Promise<void>((resolve) => socket.bind(0, host, resolve))
      return socket
    }),
    (socket) => Effect.sync(() => socket.close()),
  )

/** The longest of some honest dials (ms) while the handshakes are open. */
const longestDial = Effect.fnUntraced(function* (victim: Target, hosts: (index: number) => string, dials: number) {
  const attacker = yield* IrohPeer.make()
  const relays = yield* Effect.forEach(Array.from({ length: HANDSHAKES }).keys(), (i) =>
    oneWay(hosts(i), victim.addresses[0]!),
  )
  for (const relay of relays) {
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.andThen(
          Effect.sync(() => void attacker.dial(victim, [relay]).catch(() => {})),
          Effect.sleep(AGAIN_MS),
        ),
      ),
    )
  }
  yield* Effect.sleep(1_500)
  let worst = 0
  for (let i = 0; i < dials; i++) {
    worst = Math.max(worst, yield* honestDial(victim))
    yield* Effect.sleep(200)
  }
  return worst
}, Effect.scoped)

/** The time until an honest peer is connected. A peer that is refused tries again. */
const honestDial = Effect.fnUntraced(function* (victim: Target) {
  const peer = yield* IrohPeer.make(HONEST_HOST)
  const begun = performance.now()
  const connected = Effect.retry(
    attempt("honest dial", () => peer.dial(victim)),
    Schedule.spaced(50),
  )
  yield* Effect.timeoutOption(connected, DIAL_WITHIN_MS)
  return performance.now() - begun
}, Effect.scoped)

export const halfOpen: Attack = {
  name: "half-open",
  about: "256 handshakes that are never finished, from one host and from 256",
  run: Effect.fnUntraced(function* (scale) {
    const bootstrap = yield* startTestnet()
    const victim = yield* startMember(yield* startVictim(), { bootstrap })
    const dials = scale.pick(10, 3)
    const one = yield* longestDial(victim, () => "127.9.0.1", dials)
    const many = yield* longestDial(victim, (i) => `127.9.1.${i % 250}`, dials)
    return [atMost("dial, 1 host", one / 1_000, "s", 1), atMost("dial, 250 hosts", many / 1_000, "s", 1)]
  }),
}
