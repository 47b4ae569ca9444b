/**
 * Measures lookups and puts of the production client on a mainline DHT, on virtual time. Each sample has clients and targets of its own:
 * a publisher that has just started puts an item, a reader that has just started gets it, and 20 s later the reader gets and
 * puts an item of the next minute.
 */
import { Crypto, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht, type MutableKey, targetOf } from "@topic-tracker/dht"
import { Clock, Effect, Random, Stream } from "effect"
import type { MainlineNetwork } from "./MainlineNetwork.ts"
import { mainlineClient } from "./mainlineDht.ts"
import type { Samples } from "./Samples.ts"

/** The size of an encrypted record, and the number of nearest nodes that a search waits for (`pollBreadth` in core). */
const RECORD_BYTES = 604
const NEAREST = 4

/** Between the first lookup of a client and the warm one. */
const WARM_AFTER = "20 seconds"

/** The names of the figures; times are in ms. */
export const WALK_FIGURES = {
  coldGetNearest: "cold get, nearest 4 have answered",
  coldGetFirst: "cold get, first item",
  coldGetEnd: "cold get, end",
  coldGetQueries: "cold get, packets sent",
  coldPutEnd: "cold put, end",
  coldPutFailed: "cold put, failed",
  coldPutReached: "cold put, of the 20 nearest",
  warmGetNearest: "warm get, nearest 4 have answered",
  warmGetEnd: "warm get, end",
  warmGetQueries: "warm get, packets sent",
  warmPutEnd: "warm put, end",
  warmPutFailed: "warm put, failed",
} as const

/** Adds one sample of each figure. `number`: different for each sample of the network. */
export const sampleWalks = Effect.fnUntraced(function* (network: MainlineNetwork, number: number, samples: Samples) {
  const keys = RecordKeys.make(yield* Crypto, yield* Effect.provide(SecretRotation, SecretRotation.layer()))
  const random = yield* Random.Random
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const topic = TopicId.fromName(`walk ${number}`)
  const value = Uint8Array.from({ length: RECORD_BYTES }, () => Math.floor(random.nextDoubleUnsafe() * 256))

  const put = Effect.fnUntraced(function* (minute: bigint, kind: "cold" | "warm") {
    const { salt, signingKey: key } = keys.dht(topic, minute)
    const [end, failed] =
      kind === "cold" ? (["coldPutEnd", "coldPutFailed"] as const) : (["warmPutEnd", "warmPutFailed"] as const)
    const dht = yield* Dht
    const start = now()
    const receipt = yield* Effect.option(dht.put({ key, salt, seq: 1n, value }))
    samples.count(WALK_FIGURES[failed], receipt._tag === "None")
    if (receipt._tag === "Some") samples.add(WALK_FIGURES[end], now() - start)
    return { publicKey: key.publicKey, salt } satisfies MutableKey
  })

  const get = Effect.fnUntraced(function* (key: MutableKey, kind: "cold" | "warm") {
    const dht = yield* Dht
    const start = now()
    const before = yield* dht.stats
    let first: number | undefined
    let nearest: number | undefined
    const onNearest = {
      nodes: NEAREST,
      run: () => {
        nearest = now() - start
      },
    }
    const noteFirst = Effect.sync(() => {
      first ??= now() - start
    })
    const items = Stream.runForEach(dht.get(key, { onNearest }), () => noteFirst)
    yield* Effect.ignore(items)
    const isCold = kind === "cold"
    samples.add(isCold ? WALK_FIGURES.coldGetNearest : WALK_FIGURES.warmGetNearest, nearest ?? now() - start)
    if (isCold) samples.add(WALK_FIGURES.coldGetFirst, first)
    samples.add(isCold ? WALK_FIGURES.coldGetEnd : WALK_FIGURES.warmGetEnd, now() - start)
    const sent = (yield* dht.stats).packetsSent - before.packetsSent
    samples.add(isCold ? WALK_FIGURES.coldGetQueries : WALK_FIGURES.warmGetQueries, sent)
  })

  const key = yield* Effect.provide(put(1n, "cold"), mainlineClient(network, 2 * number))
  const target = targetOf(key.publicKey, key.salt)
  samples.add(WALK_FIGURES.coldPutReached, network.nearestHolding(target))
  yield* Effect.gen(function* () {
    yield* get(key, "cold")
    yield* Effect.sleep(WARM_AFTER)
    const { salt, signingKey } = keys.dht(topic, 2n)
    yield* get({ publicKey: signingKey.publicKey, salt }, "warm")
    yield* put(2n, "warm")
  }).pipe(Effect.provide(mainlineClient(network, 2 * number + 1)))
})
