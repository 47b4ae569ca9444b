import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Crypto, initialSecretHash, RecordKeys, SecretRotation } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Effect, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as RecordPublisher from "../../src/records/RecordPublisher.ts"
import { SecondSlot, type SlotEvent } from "../../src/records/SecondSlot.ts"
import { hello, minute, network, partsOf, publisher, publishNew, secret, slotKeys, topic } from "./publishers.ts"

type Network = Effect.Success<ReturnType<typeof network>>

/** Puts a correctly signed item that is no record into the public slot, as anybody can who knows the topic's name. */
const putGarbage = ({ dht }: Network, value = new Uint8Array(604).fill(7)) =>
  Effect.gen(function* () {
    const { signingKey, salt } = yield* slotKeys
    return yield* (yield* Dht).put({ key: signingKey, salt, seq: RecordPublisher.SEQ, value })
  }).pipe(Effect.provide(partsOf({ dht, key: 9 })))

/** The items of the second slot. */
const secondSlotOf = ({ dht, slots }: Network) =>
  Effect.gen(function* () {
    const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation)
    const secretHash = initialSecretHash(Redacted.make(secret))
    const { signingKey, salt } = keys.secondDht({ topic, unixMinute: minute, initialSecretHash: secretHash })
    return (yield* slots({ publicKey: signingKey.publicKey, salt })).filter((item) => item !== undefined)
  }).pipe(Effect.provide(partsOf({ dht, key: 9 })))

/** The DHT as libtorrent's nodes make it: they confirm a put that they do not store, because they hold another item of its seq. */
const confirming = ({ dht }: Network): Network["dht"] =>
  Layer.effect(
    Dht,
    Effect.map(Effect.provide(Dht, dht), (inner) => ({
      ...inner,
      put: (request) =>
        inner.put(request).pipe(
          Effect.catchIf(
            ({ reason }) => reason === "Rejected",
            () => Effect.succeed({ stored: 20, asked: 20 }),
          ),
        ),
    })),
  )

/** The DHT whose nodes confirm puts and return no item of the public slot. `asked` gets the number of nodes of each get. */
const withholding = ({ dht }: Network, asked: Array<number | undefined>): Network["dht"] =>
  Layer.effect(
    Dht,
    Effect.gen(function* () {
      const inner = yield* Effect.provide(Dht, dht)
      const { signingKey } = yield* Effect.provide(slotKeys, partsOf({ dht, key: 9 }))
      const get: typeof inner.get = (key, options) => {
        if (!Bytes.equals(key.publicKey, signingKey.publicKey)) return inner.get(key, options)
        asked.push(options?.nodes)
        return Stream.empty
      }
      return { ...inner, get }
    }),
  )

const totalLoad = ({ load }: Network) =>
  Effect.map(load, (nodes) => nodes.reduce((sum, { gets, puts }) => sum + gets + puts, 0))

describe("the second slot", () => {
  it.effect("is neither read nor written while the public one shows records only", () =>
    Effect.gen(function* () {
      const net = yield* network()
      const ann = yield* publisher({ dht: net.dht, key: 1 })
      const bob = yield* publisher({ dht: net.dht, key: 2 })
      yield* publishNew(ann, hello)
      yield* publishNew(bob, hello)
      assert.lengthOf(yield* ann.recordsArray(minute), 1)
      assert.isFalse(yield* ann.usesSecondSlot)
      assert.deepStrictEqual(yield* secondSlotOf(net), [])
      // Three gets and two puts.
      assert.strictEqual(yield* totalLoad(net), 5 * 20)
    }),
  )

  it.effect.each([
    ["filled ahead on nodes that keep the first item", { keepFirst: 1 }],
    ["flooded on nodes that overwrite", { keepFirst: 0 }],
  ] as const)("leads members to each other when the public one is %s", ([_name, faults]) =>
    Effect.gen(function* () {
      const net = yield* network(faults)
      yield* putGarbage(net)
      const dht = confirming(net)
      const ann = yield* publisher({ dht, key: 1 })
      const bob = yield* publisher({ dht, key: 2 })
      const eve = yield* publisher({ dht: net.dht, key: 3, secret: "another" })
      const outcome = yield* publishNew(ann, hello)
      assert.deepStrictEqual(outcome._tag === "Published" && outcome.second, { stored: 20, asked: 20 })
      yield* Effect.ignore(putGarbage(net, new Uint8Array(604).fill(8)))
      const [found, ...more] = yield* bob.recordsArray(minute)
      assert.deepStrictEqual(more, [])
      assert.deepStrictEqual([found?.endpointId, found?.content, found?.slot], [ann.endpointId, hello, "second"])
      assert.deepStrictEqual(yield* eve.recordsArray(minute), [])
      const stats = yield* ann.stats
      assert.deepStrictEqual([stats.published, stats.publishedSecond], [1, 1])
    }),
  )

  it.effect("holds at most maxBootstrapRecords records of others, as the public one", () =>
    Effect.gen(function* () {
      const net = yield* network({ keepFirst: 1 })
      yield* putGarbage(net)
      const config = { bootstrap: { maxBootstrapRecords: 1 } }
      const dht = confirming(net)
      const ann = yield* publisher({ dht, key: 1, config })
      const bob = yield* publisher({ dht, key: 2, config })
      yield* publishNew(ann, hello)
      const outcome = yield* publishNew(bob, hello)
      assert.strictEqual(outcome._tag, "Published")
      assert.isUndefined(outcome._tag === "Published" ? outcome.second : hello)
    }),
  )

  it.effect("takes the record if the public one refuses it", () =>
    Effect.gen(function* () {
      const net = yield* network()
      const { signingKey, salt } = yield* Effect.provide(slotKeys, partsOf({ dht: net.dht, key: 9 }))
      yield* putGarbage(net)
      const ann = yield* publisher({ dht: net.dht, key: 1 })
      assert.deepStrictEqual(yield* ann.recordsArray(minute), [])
      // No put can have this seq: it stands for nodes that refuse all items.
      yield* net.inject({ publicKey: signingKey.publicKey, salt, seq: 2n ** 63n, value: new Uint8Array(1) })
      const outcome = yield* publishNew(ann, hello)
      assert.deepStrictEqual(outcome._tag === "PublishedSecond" && [outcome.second, outcome.reason.reason], [
        { stored: 20, asked: 20 },
        "Rejected",
      ])
    }),
  )

  it.effect("is used for ten minutes after the last garbage, and the use is reported", () =>
    Effect.gen(function* () {
      const net = yield* network()
      yield* putGarbage(net)
      const events: Array<SlotEvent> = []
      const onSlotEvent = (event: SlotEvent) => Effect.sync(() => void events.push(event))
      const ann = yield* publisher({ dht: net.dht, key: 1, onSlotEvent })
      yield* ann.recordsArray(minute)
      yield* TestClock.adjust("9 minutes")
      yield* ann.recordsArray(minute)
      yield* TestClock.adjust("9 minutes")
      assert.isTrue(yield* ann.usesSecondSlot)
      yield* TestClock.adjust("1 minutes")
      assert.isFalse(yield* ann.usesSecondSlot)
      assert.deepStrictEqual(events, [{ _tag: "SecondSlotBegan", reason: "garbage" }])
      yield* ann.recordsArray(minute + 1n)
      assert.deepStrictEqual(events.slice(1), [{ _tag: "SecondSlotEnded" }])
    }),
  )

  it.effect("comes into use when lookups do not find our record, although DHT nodes have confirmed it", () =>
    Effect.gen(function* () {
      const net = yield* network()
      const events: Array<SlotEvent> = []
      const onSlotEvent = (event: SlotEvent) => Effect.sync(() => void events.push(event))
      const asked: Array<number | undefined> = []
      const ann = yield* publisher({ dht: withholding(net, asked), key: 1, onSlotEvent })
      const record = yield* ann.newRecord(minute, hello)
      yield* ann.publish(record, { known: [] })
      const readFour = ann.forEachRecord(minute, () => Effect.void, { nodes: 4 })
      yield* readFour
      assert.deepStrictEqual(events, [])
      yield* readFour
      // The second lookup asks all nodes.
      assert.deepStrictEqual(asked, [4, undefined])
      assert.deepStrictEqual(events, [
        { _tag: "RecordHidden", unixMinute: minute },
        { _tag: "SecondSlotBegan", reason: "hidden" },
      ])
      assert.isTrue(yield* ann.lacksSecondRecord(minute))
      yield* ann.publish(record, { known: [] })
      assert.isFalse(yield* ann.lacksSecondRecord(minute))
      assert.lengthOf(yield* secondSlotOf(net), 20)
      assert.strictEqual((yield* ann.stats).hidden, 1)
    }),
  )
})

describe("SecondSlot", () => {
  const lookup = { unixMinute: 1n, beganAt: 10, asksAll: true, hasFoundRecord: false }

  it("takes a record of another member for a sign that the slot works", () => {
    const slot = new SecondSlot()
    slot.storedPublic(1n, 0)
    assert.deepStrictEqual(slot.lookupEnded(lookup, 20), [])
    assert.isTrue(slot.isSuspect(1n))
    assert.deepStrictEqual(slot.lookupEnded({ ...lookup, hasFoundRecord: true }, 20), [])
    assert.isFalse(slot.isSuspect(1n))
    assert.deepStrictEqual(slot.lookupEnded(lookup, 20), [])
    assert.deepStrictEqual(slot.lookupEnded(lookup, 20), [])
    assert.isFalse(slot.isUsed(20))
  })

  it("ignores lookups that began before the record was stored, and of other minutes", () => {
    const slot = new SecondSlot()
    slot.storedPublic(1n, 11)
    for (const ended of [lookup, { ...lookup, unixMinute: 2n, beganAt: 12 }]) {
      assert.deepStrictEqual(slot.lookupEnded(ended, 20), [])
      assert.deepStrictEqual(slot.lookupEnded(ended, 20), [])
    }
    assert.isFalse(slot.isUsed(20))
  })

  it("counts the misses of several minutes together: a joined node looks once in a minute", () => {
    const slot = new SecondSlot()
    slot.storedPublic(1n, 0)
    slot.lookupEnded(lookup, 20)
    slot.storedPublic(2n, 60)
    assert.strictEqual(slot.lookupEnded({ ...lookup, unixMinute: 2n, beganAt: 70 }, 80)[0]?._tag, "RecordHidden")
  })
})
