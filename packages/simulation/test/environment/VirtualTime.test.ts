import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Random } from "effect"
import { Deadlock, VirtualTime } from "../../src/environment/VirtualTime.ts"

const epoch = 1_750_000_020_000

describe("VirtualTime", () => {
  it("wakes sleepers in the order of their times, and those of one time in the order in which they began", () => {
    const time = new VirtualTime(epoch, 1n)
    const woken: Array<string> = []
    const sleeper = (name: string, millis: number) =>
      Effect.andThen(
        Effect.sleep(millis),
        Effect.sync(() => woken.push(`${name} ${time.now}`)),
      )
    const all = [sleeper("b", 20), sleeper("a", 10.5), sleeper("c", 20), sleeper("d", 0)]
    const exit = time.run(Effect.all(all, { concurrency: "unbounded", discard: true }))
    assert.isTrue(Exit.isSuccess(exit))
    assert.deepStrictEqual(woken, ["d 0", "a 10.5", "b 20", "c 20"])
  })

  it("passes an hour at once, and an interrupted sleeper does not delay it", () => {
    const time = new VirtualTime(epoch, 1n)
    const program = Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.sleep("1 day"))
      yield* Effect.sleep("1 hour")
      yield* Fiber.interrupt(fiber)
      const timedOut = yield* Effect.timeoutOption(Effect.never, "5 seconds")
      return [timedOut._tag, yield* Clock.currentTimeMillis] as const
    })
    assert.deepStrictEqual(time.run(program), Exit.succeed(["None", epoch + 3_605_000] as const))
  })

  it("a skewed clock has another time of day and sleeps as long", () => {
    const time = new VirtualTime(epoch, 1n)
    const skewed = Effect.gen(function* () {
      yield* Effect.sleep(1_000)
      return yield* Clock.currentTimeMillis
    }).pipe(Effect.provideService(Clock.Clock, time.clockWithSkew(-90_000)))
    assert.deepStrictEqual(time.run(skewed), Exit.succeed(epoch - 89_000))
    assert.strictEqual(time.now, 1_000)
  })

  it("a suspended machine's sleepers go on where they were; its time of day jumps, its monotonic time stands still", () => {
    const time = new VirtualTime(epoch, 1n)
    const clock = time.clockWithSkew(0)
    const program = Effect.gen(function* () {
      const sleeper = yield* Effect.forkChild(
        Effect.sleep("10 seconds").pipe(
          Effect.andThen(Effect.all([Clock.currentTimeMillis, Clock.monotonicTimeNanos])),
          Effect.provideService(Clock.Clock, clock),
        ),
      )
      yield* Effect.sleep("4 seconds")
      time.suspend(clock, 60_000)
      yield* Effect.sleep("30 seconds")
      const frozen = clock.monotonicTimeNanosUnsafe()
      time.suspend(clock, 60_000)
      return [frozen, ...(yield* Fiber.join(sleeper))] as const
    })
    // It slept for 4 s, was suspended from then until 94 s, and had 6 s left.
    assert.deepStrictEqual(time.run(program), Exit.succeed([4_000_000_000n, epoch + 100_000, 10_000_000_000n] as const))
    assert.strictEqual(time.now, 100_000)
  })

  it("the seed decides the random numbers", () => {
    const draw = (seed: bigint) => new VirtualTime(epoch, seed).run(Effect.all([Random.next, Random.next]))
    assert.deepStrictEqual(draw(7n), draw(7n))
    assert.notDeepEqual(draw(7n), draw(8n))
  })

  it("fails an effect that waits for something outside", () => {
    const time = new VirtualTime(epoch, 1n)
    assert.throws(() => time.run(Effect.andThen(Effect.sleep(5), Effect.never)), Deadlock, "after 5 ms")
  })
})
