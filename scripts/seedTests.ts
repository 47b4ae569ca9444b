/**
 * Seeds the random numbers of every test: each run draws the same numbers, so a failure can be repeated. Without a seed of their own,
 * Effect's Random and property tests use Math.random. TEST_SEED=TEXT gives other numbers.
 */
import { Effect, Random } from "effect"
import { beforeEach } from "vitest"

const seedRandom = (test: string): void => {
  const random = Effect.runSync(Random.withSeed(Random.Random, `${process.env.TEST_SEED ?? ""} ${test}`))
  Math.random = () => random.nextDoubleUnsafe()
}

// For numbers that a file draws before its first test.
seedRandom("set-up")
beforeEach(({ task }) => seedRandom(task.fullName))
