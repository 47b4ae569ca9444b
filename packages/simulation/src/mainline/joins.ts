/**
 * Measures joins of whole topic trackers on a mainline DHT, on virtual time. Each sample is a topic of its own with two nodes: both
 * start at a random moment of a minute (cold), or one has been there for 45 s (warm). Both have run before and remember the DHT nodes of
 * that time, of which all, half or none are still there.
 */
import { TopicTracker } from "@topic-tracker/core"
import { Identity, SecretRotation } from "@topic-tracker/crypto"
import { decodeKept } from "@topic-tracker/dht/testing"
import { AddressLookup, Gossip } from "@topic-tracker/gossip"
import { MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Clock, Context, Effect, Exit, Layer, Random, Scope, Stream } from "effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type { MainlineNetwork } from "./MainlineNetwork.ts"
import { mainlineClient } from "./mainlineDht.ts"
import type { Samples } from "./Samples.ts"

/** The names of the figures; times are in ms. */
export const JOIN_FIGURES = {
  cold: "cold join of two",
  warm: "warm join",
  remembered: "cold join, nodes remembered",
  halfGone: "cold join, half of them gone",
  allGone: "cold join, all of them gone",
  never: "joins not within two minutes",
} as const

/** One way between two nodes of a topic, in ms. */
const WAY_MS = { min: 20, max: 100 }

/** The other node has been there for so long in a warm join. */
const WARM_AFTER = "45 seconds"

const LIMIT = "2 minutes"

/** A program that has run for so long remembers its nodes at the next start. */
const EARLIER_RUN = "90 seconds"

/** The shares of the remembered nodes that are gone. */
const GONE = [
  [JOIN_FIGURES.remembered, 0],
  [JOIN_FIGURES.halfGone, 0.5],
  [JOIN_FIGURES.allGone, 1],
] as const

/** Clients of joins have other numbers than those of walks. */
const FIRST_CLIENT = 1_000_000
const CLIENTS_PER_SAMPLE = 16

/** The memory of an earlier run, and the DHT nodes that have gone since. */
interface EarlierRun {
  readonly store?: KeyValueStore.KeyValueStore
  readonly gone?: ReadonlySet<number>
}

const newStore = Effect.scoped(
  Effect.map(Layer.build(Layer.fresh(KeyValueStore.layerMemory)), (context) =>
    Context.get(context, KeyValueStore.KeyValueStore),
  ),
)

/** A store with the same values, so that each run has the memory of the same one. */
const copyOf = Effect.fnUntraced(function* (store: KeyValueStore.KeyValueStore) {
  const copy = yield* newStore
  for (const key of yield* Effect.orDie(store.keys)) {
    yield* Effect.orDie(copy.set(key, (yield* Effect.orDie(store.getUint8Array(key))) ?? ""))
  }
  return copy
})

/** A share of the nodes that are remembered in the store. */
const someOf = Effect.fnUntraced(function* (dht: MainlineNetwork, store: KeyValueStore.KeyValueStore, share: number) {
  const now = yield* Clock.currentTimeMillis
  const gone = new Set<number>()
  for (const key of yield* Effect.orDie(store.keys)) {
    const bytes = yield* Effect.orDie(store.getUint8Array(key))
    for (const { host } of decodeKept(bytes ?? new Uint8Array(0), { boundTo: "0.0.0.0", now }) ?? []) {
      const node = dht.nodeAt(host)
      if (node !== undefined && (yield* Random.next) < share) gone.add(node)
    }
  }
  return gone
})

const everyAddressIsKnown = Layer.succeed(AddressLookup, {
  resolve: () => Stream.empty,
  publish: () => Effect.void,
  learnAddress: () => Effect.void,
})

/** Adds one join of each kind. `number`: different for each sample of the network. */
export const sampleJoins = Effect.fnUntraced(function* (dht: MainlineNetwork, number: number, samples: Samples) {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const network = yield* MemoryNetwork.make({
    link: (_, __, random) => ({ delayMs: WAY_MS.min + random() * (WAY_MS.max - WAY_MS.min) }),
  })
  let clients = FIRST_CLIENT + CLIENTS_PER_SAMPLE * number

  const join = Effect.fnUntraced(function* (topic: string, { store, gone }: EarlierRun = {}) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const client = mainlineClient(dht, clients++, (node) => gone?.has(node) !== true)
    const parts = Layer.mergeAll(
      store === undefined ? client : Layer.provide(client, Layer.succeed(KeyValueStore.KeyValueStore, store)),
      Gossip.layer().pipe(Layer.provide(MemoryTransport.layer(network))),
      everyAddressIsKnown,
      SecretRotation.layer(),
    ).pipe(Layer.provideMerge(Layer.fresh(Identity.layerRandom())))
    const tracker = TopicTracker.layerNoDeps().pipe(Layer.provide(parts))
    const services = yield* Layer.build(tracker).pipe(Scope.provide(scope))
    const start = now()
    const joined = yield* Context.get(services, TopicTracker)
      .joinNoWait({ topic, secret: "secret" })
      .pipe(Scope.provide(scope))
    const waited = Effect.map(joined.joined, () => now() - start)
    return { waited: Effect.timeoutOption(waited, LIMIT), leave: Scope.close(scope, Exit.void) }
  })
  const note = (figure: string, waited: Effect.Success<Effect.Success<ReturnType<typeof join>>["waited"]>) => {
    samples.count(JOIN_FIGURES.never, waited._tag === "None")
    if (waited._tag === "Some") samples.add(figure, waited.value)
  }

  yield* Effect.sleep(60_000 * (yield* Random.next))
  const pair = yield* Effect.all([join(`cold ${number}`), join(`cold ${number}`)])
  note(JOIN_FIGURES.cold, yield* pair[0].waited)
  for (const { leave } of pair) yield* leave
  const stores = yield* Effect.all([newStore, newStore])
  const earlier = yield* Effect.forEach(stores, (store, i) => join(`earlier ${number} ${i}`, { store }))
  yield* Effect.sleep(EARLIER_RUN)
  for (const { leave } of earlier) yield* leave
  for (const [figure, share] of GONE) {
    yield* Effect.sleep(60_000 * (yield* Random.next))
    const again = yield* Effect.forEach(
      stores,
      Effect.fnUntraced(function* (store) {
        const gone = yield* someOf(dht, store, share)
        return yield* join(`${figure} ${number}`, { store: yield* copyOf(store), gone })
      }),
    )
    note(figure, yield* again[0]!.waited)
    for (const { leave } of again) yield* leave
  }
  const first = yield* join(`warm ${number}`)
  yield* Effect.sleep(WARM_AFTER)
  const second = yield* join(`warm ${number}`)
  note(JOIN_FIGURES.warm, yield* second.waited)
  yield* first.leave
  yield* second.leave
})
