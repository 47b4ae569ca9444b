/**
 * A world in memory for tests of topics: a DHT, a gossip network, and nodes with the real tracker, records, crypto and protocol
 * on them, all under TestClock.
 */
import { AddressLookup, type EndpointAddress } from "@topic-tracker/gossip"
import { Context, type Duration, Effect, Exit, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { TopicConfigInput } from "../../src/config/TopicConfig.ts"
import { type Tuning, TuningOverrides } from "../../src/config/Tuning.ts"
import * as MemoryWorld from "../../src/testing/MemoryWorld.ts"
import type { JoinOptions, Topic } from "../../src/topic/Topic.ts"
import { TopicTracker } from "../../src/tracker/TopicTracker.ts"

export interface NodeOptions extends MemoryWorld.MemoryNodeOptions {
  /** Values of the profile that differ. */
  readonly tuning?: Partial<Tuning>
}

export const makeWorld = Effect.fnUntraced(function* (options: MemoryWorld.MemoryWorldOptions = {}) {
  const { dht, network } = yield* MemoryWorld.make({
    dht: { latency: () => 10, ...options.dht },
    network: { link: () => ({ delayMs: 10 }), ...options.network },
  })

  const node = Effect.fnUntraced(function* ({ tuning = {}, ...nodeOptions }: NodeOptions = {}) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const published: Array<EndpointAddress> = []
    const addressLookup = Layer.succeed(AddressLookup, {
      resolve: () => Stream.empty,
      publish: (own) => Effect.sync(() => void published.push(own)),
      learnAddress: () => Effect.void,
    })
    const layer = MemoryWorld.layer({ dht, network }, { addressLookup, ...nodeOptions }).pipe(
      Layer.provide(Layer.succeed(TuningOverrides, tuning)),
    )
    const services = yield* Layer.buildWithScope(layer, scope)
    const tracker = Context.get(services, TopicTracker)
    return {
      services,
      tracker,
      endpointId: tracker.endpointId,
      /** The addresses that it has published so far. */
      published,
      /** Joins "topic" with "secret" by default, and does not wait. */
      join: (join: Partial<JoinOptions> = {}) => tracker.joinNoWait({ topic: "topic", secret: "secret", ...join }),
      /** Ends the whole node in order: its neighbours are notified. */
      leave: Scope.close(scope, Exit.void),
    }
  })
  const nodes = (count: number, nodeOptions: NodeOptions = {}) =>
    Effect.all(Array.from({ length: count }, () => node(nodeOptions)))
  return { dht, network, node, nodes }
})

export type Node = Effect.Success<ReturnType<Effect.Success<ReturnType<typeof makeWorld>>["node"]>>

/** Lets all fibers run that can, until each waits for time or for another. */
export const settle = Effect.repeat(Effect.yieldNow, { times: 30 })

/** Lets time pass. Before and after, all fibers run until they wait. */
export const pass = (duration: Duration.Input) =>
  settle.pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(settle))

/** Joins every node to the topic, all at the same moment. */
export const joinAll = (nodes: ReadonlyArray<Node>, join: Partial<JoinOptions> = {}) =>
  Effect.forEach(nodes, (node) => node.join(join), { concurrency: "unbounded" })

/** Whether from each topic every other can be reached over neighbours. */
export const isOneSwarm = Effect.fnUntraced(function* (nodes: ReadonlyArray<Node>, topics: ReadonlyArray<Topic>) {
  return (yield* swarms(nodes, topics)) === 1
})

/** The number of swarms that the topics form, by their neighbours. */
export const swarms = Effect.fnUntraced(function* (nodes: ReadonlyArray<Node>, topics: ReadonlyArray<Topic>) {
  const links = new Map<string, ReadonlySet<string>>()
  for (const [i, topic] of topics.entries()) links.set(nodes[i]!.endpointId, yield* topic.neighbors)
  const unseen = new Set(links.keys())
  let count = 0
  for (const [start] of links) {
    if (!unseen.delete(start)) continue
    count++
    const open = [start]
    for (const id of open) for (const peer of links.get(id) ?? []) if (unseen.delete(peer)) open.push(peer)
  }
  return count
})

/** Collects what a stream gives, in the background; the array grows. */
export const collect = Effect.fnUntraced(function* <A, E>(stream: Stream.Stream<A, E>) {
  const items: Array<A> = []
  yield* Effect.forkScoped(
    Stream.runForEach(stream, (item) => Effect.sync(() => void items.push(item))),
    { startImmediately: true },
  )
  yield* settle
  return items
})

/** A configuration without workers, so that only the test's own actions happen. */
export const quietWith = (
  config: TopicConfigInput,
  tuning: Partial<Tuning> = {},
): Pick<NodeOptions, "config" | "tuning"> => ({
  config: {
    publisher: { enabled: false },
    bubbleMerge: { enabled: false },
    messageOverlapMerge: { enabled: false },
    ...config,
  },
  tuning: { reconnects: false, memberSearchMs: 0, ...tuning },
})

export const quiet = quietWith({})
