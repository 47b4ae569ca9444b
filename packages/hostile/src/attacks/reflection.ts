/**
 * Queries with the forged source of a host that the attacker wants flooded: the answers are longer than the queries. Here the flooded host
 * is a socket of ours, which counts what arrives.
 */
import { randomBytes } from "node:crypto"
import { Effect, Schedule } from "effect"
import { addressOf, findString, minuteNow, Speaker, slotOf } from "../attacker/krpc.ts"
import { type Attack, AttackFailed, atMost } from "../harness/Attack.ts"
import { startMember } from "../harness/members.ts"
import { startVictim } from "../harness/Victim.ts"

/** Queries a second in the name of one host: below the number from which a host is not heard at all. */
const PER_SECOND = 90
/** Queries a second in the names of all hosts. */
const PER_SECOND_OF_ALL = 2_000
const TICK_MS = 20
const VALUE_BYTES = 990

/** A host may get so much at once before the limit holds. */
const BURST_MS = 8_000

export const reflection: Attack = {
  name: "reflection",
  about: "queries with forged sources; the answers hit those hosts",
  // Only public hosts are limited as hosts of the internet are.
  needsNamespace: true,
  run: Effect.fnUntraced(function* (scale) {
    const hosts = Array.from({ length: 6 }, (_, i) => `5.${30 + i}.1.1`)
    const bootstrap = yield* (yield* startVictim()).call("startDhtNodes", { nodes: hosts.length, hosts })
    const member = yield* startMember(yield* startVictim(), { bootstrap, dhtHost: "5.40.1.1" })
    const node = addressOf(member.dht)
    // The attacker's own item makes the answers as long as they can be.
    const own = yield* Speaker.make("5.50.1.1")
    const slot = slotOf("reflection", minuteNow())
    const answer = yield* Effect.promise(() => own.ask(node, "get", { target: slot.target }, 3_000))
    const token = answer === undefined ? undefined : findString(answer, "token")
    if (token === undefined) return yield* new AttackFailed({ message: "the DHT client answers no get" })
    yield* Effect.promise(() => own.ask(node, "put", { ...slot.item(randomBytes(VALUE_BYTES)), token }, 3_000))

    const bytesPerSecond = Effect.fnUntraced(function* (hosts: ReadonlyArray<string>, perSecond: number) {
      const targets = yield* Effect.forEach(hosts, (host) => Speaker.make(host))
      let due = 0
      let next = 0
      yield* Effect.forkScoped(
        Effect.sync(() => {
          for (due += (perSecond * TICK_MS) / 1_000; due >= 1; due--) {
            targets[next++ % targets.length]!.query(node, "get", { target: slot.target })
          }
        }).pipe(Effect.repeat(Schedule.fixed(TICK_MS))),
      )
      yield* Effect.sleep(scale.pick(BURST_MS, 4_000))
      const received = () => targets.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
      const before = received()
      const begun = performance.now()
      yield* Effect.sleep(scale.pick(6_000, 3_000))
      return (1_000 * (received() - before)) / (performance.now() - begun)
    }, Effect.scoped)
    const one = yield* bytesPerSecond(["5.51.1.1"], PER_SECOND)
    const many = yield* bytesPerSecond(
      Array.from({ length: 60 }, (_, i) => `5.60.${i}.1`),
      PER_SECOND_OF_ALL,
    )
    return [atMost("to one host", one / 1_000, "KB/s", 10), atMost("to 60 hosts", many / 1_000, "KB/s", 110)]
  }),
}
