import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { AskedPeers } from "../../../src/topic/knowledge/AskedPeers.ts"
import { id, record } from "../records.ts"

describe("AskedPeers", () => {
  it.effect("takes a record for a dead end once two of its peers have not answered for a while", () =>
    Effect.gen(function* () {
      const asked = new AskedPeers(yield* Timers.make)
      const isDeadEnd = () => asked.isDeadEnd(record(1, [2, 3, 9]), id(9), 4_000)
      asked.addAsked(id(1))
      yield* TestClock.adjust("5 seconds")
      assert.isFalse(isDeadEnd())
      asked.addAsked(id(3))
      yield* TestClock.adjust("3999 millis")
      assert.isFalse(isDeadEnd())
      yield* TestClock.adjust("1 millis")
      assert.isTrue(isDeadEnd())
      asked.addAsked(id(3))
      assert.isTrue(isDeadEnd(), "asking again does not start the wait again")
      asked.addAnswered(id(2))
      assert.isFalse(isDeadEnd())
    }),
  )

  it.effect("a peer is silent from a question to an answer, for at most ten minutes", () =>
    Effect.gen(function* () {
      const asked = new AskedPeers(yield* Timers.make)
      assert.isFalse(asked.isSilent(id(1)))
      asked.addAsked(id(1))
      assert.isTrue(asked.isSilent(id(1)))
      asked.addAnswered(id(1))
      assert.isFalse(asked.isSilent(id(1)))
      asked.addAsked(id(1))
      yield* TestClock.adjust("10 minutes")
      assert.isFalse(asked.isSilent(id(1)))
    }),
  )

  it.effect("needs one silent peer for a record without neighbours, and forgets after ten minutes", () =>
    Effect.gen(function* () {
      const asked = new AskedPeers(yield* Timers.make)
      const isDeadEnd = () => asked.isDeadEnd(record(1, []), id(9), 4_000)
      assert.isFalse(isDeadEnd())
      asked.addAsked(id(1))
      yield* TestClock.adjust("4 seconds")
      assert.isTrue(isDeadEnd())
      yield* TestClock.adjust("596 seconds")
      assert.isFalse(isDeadEnd())
    }),
  )
})
