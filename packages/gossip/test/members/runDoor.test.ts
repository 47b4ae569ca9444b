/** The bytes of a door on a stream whose writes take their time, as those of iroh's binding do. */
import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { type DoorDriver, type DoorHandlers, runDoor } from "../../src/members/runDoor.ts"

const PROVEN = { _tag: "Proven", topic: undefined as never, peerFlags: 0, epoch: 1, rest: new Uint8Array(0) } as const

/** A door that answers the first bytes with two messages and this end. */
const answering = (end: Parameters<DoorHandlers["ended"]>[0]): DoorDriver => ({
  deadline: undefined,
  receive: () => [{ _tag: "Send", bytes: Uint8Array.of(1) }, { _tag: "Send", bytes: Uint8Array.of(2) }, end],
  timeUp: () => [],
})

/** The steps on the stream and at the end, in order. `take` lets the write that is under way be taken. */
const started = Effect.fnUntraced(function* (driver: DoorDriver) {
  const log: Array<string> = []
  let take = (_isAlive: boolean) => {}
  const send = {
    write: (bytes: Uint8Array, done: (isAlive: boolean) => void) => {
      log.push(`writes ${bytes[0]}`)
      take = done
    },
    finish: () => {},
    reset: () => {},
    onStopped: () => {},
  }
  const receive = { read: (done: (bytes: Uint8Array) => void) => done(Uint8Array.of(9)), stop: () => {} }
  runDoor({ send, receive }, driver, yield* Timers.make, {
    ask: () => {},
    ended: ({ _tag }) => log.push(_tag),
  })
  return { log, take: (isAlive = true) => take(isAlive) }
})

describe("runDoor", () => {
  it.effect("writes one message after the other, and is open when all are taken: nothing overtakes a proof", () =>
    Effect.gen(function* () {
      const { log, take } = yield* started(answering(PROVEN))
      assert.deepStrictEqual(log, ["writes 1"])
      take()
      assert.deepStrictEqual(log, ["writes 1", "writes 2"])
      take()
      assert.deepStrictEqual(log, ["writes 1", "writes 2", "Proven"])
    }).pipe(Effect.scoped),
  )

  it.effect("a refusal does not wait until the peer has taken it", () =>
    Effect.gen(function* () {
      const { log, take } = yield* started(answering({ _tag: "Failed", reason: "not here", byPeer: false }))
      assert.deepStrictEqual(log, ["writes 1"])
      take()
      assert.deepStrictEqual(log, ["writes 1", "writes 2", "Failed"])
    }).pipe(Effect.scoped),
  )

  it.effect("ends on a stream that is dead", () =>
    Effect.gen(function* () {
      const { log, take } = yield* started(answering(PROVEN))
      take(false)
      take(false)
      assert.deepStrictEqual(log, ["writes 1", "writes 2", "Proven"])
    }).pipe(Effect.scoped),
  )
})
