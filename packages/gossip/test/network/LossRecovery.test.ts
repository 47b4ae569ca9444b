import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { LossRecovery } from "../../src/transport/memory/LossRecovery.ts"

const ROUND_TRIP_MS = 80
const PROBE_MS = 150

/** One direction of a connection over a link of 40 ms; `forth` and `back` say which packets are lost, in the order of sending. */
const makeDirection = (forth: string, back = "") =>
  Effect.gen(function* () {
    const timers = yield* Timers.make
    const startedAt = timers.now()
    const now = () => Math.round(timers.now() - startedAt)
    const sent: Array<{ readonly at: number; readonly bytes: number }> = []
    const arrived: Array<string> = []
    let acknowledged = 0
    let gaveUp = 0
    const recovery = new LossRecovery({
      timers,
      times: () => ({ roundTripMs: ROUND_TRIP_MS, probeMs: PROBE_MS }),
      forth: (bytes) => {
        sent.push({ at: now(), bytes })
        return forth[sent.length - 1] === "x" ? undefined : 40
      },
      back: () => (back[acknowledged++] === "x" ? undefined : 40),
      givesUpAt: (since) => since + 30_000,
      gaveUp: () => gaveUp++,
    })
    return {
      send: (name: string, bytes = 100) =>
        recovery.send({ bytes, since: timers.now(), arrived: () => void arrived.push(`${name} ${now()}`) }),
      recovery,
      arrived,
      sent,
      gaveUp: () => gaveUp,
    }
  })

const pass = (ms: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < ms; i++) yield* TestClock.adjust(1)
  })

describe("LossRecovery", () => {
  it.effect("an acknowledgement of a later packet shows what was lost, 9/8 of a round trip after its sending", () =>
    Effect.gen(function* () {
      const { arrived, send, sent } = yield* makeDirection("x..")
      send("a")
      yield* pass(5)
      send("b")
      yield* pass(200)
      assert.deepStrictEqual(arrived, ["b 45", "a 130"])
      assert.deepStrictEqual(sent, [
        { at: 0, bytes: 100 },
        { at: 5, bytes: 100 },
        { at: 90, bytes: 100 },
      ])
    }),
  )

  it.effect("however often a packet is lost, a later packet that is acknowledged brings it at once", () =>
    Effect.gen(function* () {
      const { arrived, send } = yield* makeDirection("xxx.x.")
      for (const name of ["a", "b", "c"]) {
        send(name)
        yield* pass(100)
      }
      send("d")
      yield* pass(80)
      assert.deepStrictEqual(arrived, ["d 340"])
      // The three together were lost again. Another packet shows that, too.
      yield* pass(20)
      send("e")
      yield* pass(200)
      assert.deepStrictEqual(arrived, ["d 340", "e 440", "a 520", "b 520", "c 520"])
    }),
  )

  it.effect("without acknowledgements two probes go out after the time-out, then after twice the time", () =>
    Effect.gen(function* () {
      const { arrived, send, sent } = yield* makeDirection("xxxx..")
      send("a")
      yield* pass(700)
      // The second pair's ping arrives: its acknowledgement, at 530, shows what was lost with it.
      assert.deepStrictEqual(arrived, ["a 580"])
      assert.deepStrictEqual(
        sent.map(({ at, bytes }) => [at, bytes]),
        [
          [0, 100],
          [150, 100],
          [150, 40],
          [450, 100],
          [450, 40],
          [540, 100],
        ],
      )
    }),
  )

  it.effect("an acknowledgement ends the backoff, and one that is lost does not", () =>
    Effect.gen(function* () {
      const { send, sent } = yield* makeDirection("xxxx.x....", "x.")
      send("a")
      // Probes at 150 and 450; a packet at 500 whose acknowledgement is lost.
      yield* pass(500)
      send("b")
      yield* pass(600)
      assert.strictEqual(sent.filter(({ at }) => at === 450).length, 2)
      // The next time-out is four times the first, from the last packet.
      assert.isFalse(sent.some(({ at }) => at > 500 && at < 1_100))
      yield* pass(10)
      assert.strictEqual(sent.filter(({ at }) => at === 1_100).length, 2)
    }),
  )

  it.effect("what was lost goes together into packets of 1,200 bytes, and nothing twice", () =>
    Effect.gen(function* () {
      const { arrived, send, sent } = yield* makeDirection("xxxx.")
      for (const name of ["a", "b", "c", "d"]) send(name, 500)
      yield* pass(10)
      send("e", 20)
      yield* pass(300)
      assert.deepStrictEqual(
        sent.slice(5).map(({ bytes }) => bytes),
        [1_000, 1_000],
      )
      assert.deepStrictEqual(
        arrived.map((each) => each.split(" ")[0]),
        ["e", "a", "b", "c", "d"],
      )
    }),
  )

  it.effect("gives up once nothing has arrived for too long, and sends nothing after that or after it was closed", () =>
    Effect.gen(function* () {
      const stuck = yield* makeDirection("x".repeat(1_000))
      stuck.send("a")
      yield* pass(29_990)
      assert.strictEqual(stuck.gaveUp(), 0)
      // The time-outs grow by at most 2 s each.
      const pauses = stuck.sent
        .flatMap(({ at }, i) => (i === 0 ? [] : [at - stuck.sent[i - 1]!.at]))
        .filter((ms) => ms > 0)
      assert.deepStrictEqual(pauses.slice(0, 5), [150, 300, 600, 1_200, 2_400])
      yield* pass(20)
      assert.strictEqual(stuck.gaveUp(), 1)
      const count = stuck.sent.length
      stuck.send("b")
      yield* pass(5_000)
      assert.strictEqual(stuck.sent.length, count)
      const closed = yield* makeDirection("x....")
      closed.send("a")
      closed.recovery.close()
      yield* pass(5_000)
      assert.strictEqual(closed.sent.length, 1)
    }),
  )
})
