import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { MAX_GENERATIONS, SecretRing } from "@topic-tracker/crypto/members"
import { Effect, Redacted } from "effect"

const hashOf = (secret: string) => initialSecretHash(Redacted.make(secret))
const topic = TopicId.fromName("ring")

/** The name of the secret that the ring uses for the minute. */
const secretAt = (ring: SecretRing, minute: number, names: ReadonlyArray<string>) =>
  names.find((name) => Redacted.value(ring.at(minute).secretHash).join() === Redacted.value(hashOf(name)).join())

describe("SecretRing", () => {
  it.effect("with one secret is the default rotation", () =>
    Effect.gen(function* () {
      const rotation = yield* SecretRotation
      const ring = new SecretRing(hashOf("a"))
      for (const unixMinute of [0n, 29_999_999n, 2n ** 32n]) {
        const seed = yield* rotation.encryptionSeed({ topic, unixMinute, initialSecretHash: hashOf("a") })
        assert.deepStrictEqual(Redacted.value(ring.seed(topic, unixMinute)), Redacted.value(seed))
      }
    }).pipe(Effect.provide(SecretRotation.layer())),
  )

  it("uses a secret from its minute on, and the higher generation of two", () => {
    const ring = new SecretRing(hashOf("a"))
    ring.add({ generation: 1, from: 100, secretHash: hashOf("b") })
    ring.add({ generation: 3, from: 150, secretHash: hashOf("d") })
    // Begins after a higher generation: it is never used.
    ring.add({ generation: 2, from: 200, secretHash: hashOf("c") })
    const names = ["a", "b", "c", "d"]
    assert.deepStrictEqual(
      [0, 99, 100, 149, 150, 200, 10 ** 6].map((minute) => secretAt(ring, minute, names)),
      ["a", "a", "b", "b", "d", "d", "d"],
    )
    ring.forgetBelow(3)
    assert.strictEqual(secretAt(ring, 0, names), "d")
    ring.forgetBelow(9)
    assert.strictEqual(ring.generations.length, 1)
  })

  it("refuses a generation that it has, and values that are none", () => {
    const ring = new SecretRing(hashOf("a"))
    const secretHash = hashOf("b")
    assert.throws(() => ring.add({ generation: 0, from: 5, secretHash }), "0 is in the ring already")
    assert.throws(() => ring.add({ generation: -1, from: 5, secretHash }), "generation: -1")
    assert.throws(() => ring.add({ generation: 2 ** 32, from: 5, secretHash }), RangeError)
    assert.throws(() => ring.add({ generation: 1, from: 0.5, secretHash }), "from: 0.5")
    assert.throws(() => ring.add({ generation: 1, from: 5, secretHash: Redacted.make(new Uint8Array(31)) }), "31 bytes")
    assert.strictEqual(ring.generations.length, 1)
  })

  it("keeps at most 64 generations, the highest ones, and shows no secret", () => {
    const ring = new SecretRing(hashOf("a"))
    for (let i = 1; i <= 100; i++) ring.add({ generation: i, from: i, secretHash: hashOf(`${i}`) })
    assert.strictEqual(ring.generations.length, MAX_GENERATIONS)
    assert.strictEqual(ring.generations[0]?.generation, 37)
    assert.notInclude(inspect(ring.generations, { depth: 9, showHidden: true }), "Uint8Array")
  })
})
