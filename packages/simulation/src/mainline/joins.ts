/**
 * Measures joins of whole topic trackers on a mainline DHT, on virtual time. Each sample is a topic of its own with two nodes: both
 * start at a random moment of a minute (cold), or one has been there for 45 s (warm).
 */
import { TopicTracker } from "@topic-tracker/core"
import { Identity, SecretRotation } from "@topic-tracker/crypto"
import { AddressLookup, Gossip } from "@topic-tracker/gossip"
import { MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Clock, Context, Effect, Exit, Layer, Random, Scope, Stream } from "effect"
import type { MainlineNetwork } from "./MainlineNetwork.ts"
import { mainlineClient } from "./mainlineDht.ts"
import type { Samples } from "./Samples.ts"

/** The names of the figures; times are in ms. */
export const JOIN_FIGURES = {
  cold: "cold join of two",
  warm: "warm join",
  never: "joins not within two minutes",
} as const

/** One way between two nodes of a topic, in ms. */
const WAY_MS = { min: 20, max: 100 }

/** The other node has been there for so long in a warm join. */
const WARM_AFTER = "45 seconds"

const LIMIT = "2 minutes"

/** Clients of joins have other numbers than those of walks. */
const FIRST_CLIENT = 1_000_000

const everyAddressIsKnown = Layer.succeed(AddressLookup, {
  resolve: () => Stream.empty,
  publish: () => Effect.void,
  learnAddress: () => Effect.void,
})

/** Adds one cold join and one warm join. `number`: different for each sample of the network. */
export const sampleJoins = Effect.fnUntraced(function* (dht: MainlineNetwork, number: number, samples: Samples) {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const network = yield* MemoryNetwork.make({
    link: (_, __, random) => ({ delayMs: WAY_MS.min + random() * (WAY_MS.max - WAY_MS.min) }),
  })
  let clients = FIRST_CLIENT + 4 * number

  const join = Effect.fnUntraced(function* (topic: string) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const parts = Layer.mergeAll(
      mainlineClient(dht, clients++),
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
  const first = yield* join(`warm ${number}`)
  yield* Effect.sleep(WARM_AFTER)
  const second = yield* join(`warm ${number}`)
  note(JOIN_FIGURES.warm, yield* second.waited)
  yield* first.leave
  yield* second.leave
})
