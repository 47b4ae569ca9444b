import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { VirtualTime } from "../../src/environment/VirtualTime.ts"

const EPOCH = 1_750_000_000_000

/** Runs the effect on virtual time and returns its result. */
const run = <A>(effect: Effect.Effect<A>, seed = 1n): A => {
  const exit = new VirtualTime(EPOCH, seed).run(effect)
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

describe("the platform's time during a run", () => {
  it("timers of libraries run at their virtual times, in order", () => {
    const log: Array<string> = []
    const note = (name: string) => log.push(`${name} ${Date.now() - EPOCH}`)
    run(
      Effect.gen(function* () {
        setTimeout(note, 30, "timeout")
        clearTimeout(setTimeout(note, 10, "cleared"))
        const interval = setInterval(note, 20, "interval")
        queueMicrotask(() => note("microtask"))
        process.nextTick(note, "tick")
        yield* Effect.sleep(50)
        clearInterval(interval)
        yield* Effect.sleep(50)
      }),
    )
    assert.deepStrictEqual(log, ["microtask 0", "tick 0", "interval 20", "timeout 30", "interval 40"])
  })

  it("random numbers depend on the seed", () => {
    const draw = (seed: bigint) =>
      run(
        Effect.sync(() => [Math.random(), Math.random()]),
        seed,
      )
    assert.deepStrictEqual(draw(1n), draw(1n))
    assert.notDeepEqual(draw(1n), draw(2n))
  })

  it("is the platform's again after the run, also after one that failed", () => {
    const before = [setTimeout, setInterval, clearTimeout, clearInterval, queueMicrotask, Date.now, Math.random]
    const { nextTick } = process
    assert.throws(() =>
      new VirtualTime(EPOCH, 1n).run(
        Effect.sync(() => {
          assert.notStrictEqual(setTimeout, before[0])
        }).pipe(Effect.andThen(Effect.never)),
      ),
    )
    const after = [setTimeout, setInterval, clearTimeout, clearInterval, queueMicrotask, Date.now, Math.random]
    assert.isTrue(after.every((each, i) => each === before[i]))
    assert.strictEqual(process.nextTick, nextTick)
  })
})
