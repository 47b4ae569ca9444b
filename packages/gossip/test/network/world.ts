/**
 * Nodes for tests over both transports: the network in memory under TestClock, where a test decides when time passes, and iroh
 * endpoints on loopback in real time.
 */
import { Crypto, type EndpointId, Identity, TopicId } from "@topic-tracker/crypto"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  AddressLookup,
  type EndpointAddress,
  Gossip,
  type GossipConfigInput,
  type GossipError,
  type GossipEvent,
  type GossipService,
  type GossipTopic,
  GossipTransport,
  IrohTransport,
  type SubscribeOptions,
} from "../../src/index.ts"
import { layerMemory, MemoryNetwork, type MemoryNetworkOptions, MemoryTransport } from "../../src/testing.ts"

/** Addresses that several nodes share. */
export type AddressMap = Map<EndpointId.EndpointId, EndpointAddress>

/** A node that can end before its test ends. */
export interface TestNode extends GossipService {
  /** Closes the node's scope, as at the end of a program. */
  readonly leave: Effect.Effect<void>
}

export interface World {
  readonly node: (config?: GossipConfigInput) => Effect.Effect<TestNode, GossipError, Scope.Scope>
  /** A transport without gossip: for peers that misbehave. */
  readonly bare: Effect.Effect<GossipTransport["Service"], GossipError, Scope.Scope>
  /** Lets a little time pass. */
  readonly pass: Effect.Effect<unknown>
}

/** Runs a test in a world of its own. */
export type Runner = (name: string, test: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) => void

let seeds = 0

const freshIdentity = (): Layer.Layer<Identity> => {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, ++seeds)
  return Identity.layerFromSeed(Redacted.make(seed)).pipe(Layer.provide(Crypto.layerTest()))
}

const built = <I, S, E>(service: Context.Service<I, S>, layer: Layer.Layer<I, E>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const context = yield* Layer.buildWithScope(layer, scope)
    return { service: Context.get(context, service), leave: Scope.close(scope, Exit.void) }
  })

const worldOf = (
  gossip: (config: GossipConfigInput | undefined) => Layer.Layer<Gossip, GossipError, Identity>,
  transport: Layer.Layer<GossipTransport, GossipError, Identity>,
  known: (transport: { readonly endpointId: EndpointId.EndpointId } & Addressed) => Effect.Effect<void>,
  pass: Effect.Effect<unknown>,
): World => ({
  node: (config) =>
    Effect.gen(function* () {
      const { service, leave } = yield* built(Gossip, gossip(config).pipe(Layer.provide(freshIdentity())))
      yield* known(service)
      return { ...service, leave }
    }),
  bare: Effect.gen(function* () {
    const { service } = yield* built(GossipTransport, transport.pipe(Layer.provide(freshIdentity())))
    yield* known(service)
    return service
  }),
  pass,
})

type Addressed = Pick<GossipService, "address">

export const makeMemoryWorld = (
  options: MemoryNetworkOptions = {},
): Effect.Effect<World & { readonly network: MemoryNetwork }, never, Scope.Scope> =>
  Effect.map(MemoryNetwork.make(options), (network) => ({
    ...worldOf(
      (config) => layerMemory(network, config),
      MemoryTransport.layer(network),
      () => Effect.void,
      TestClock.adjust(10),
    ),
    network,
  }))

/** `book`: the addresses of all nodes, in which the others look them up. */
export const makeIrohWorld = (book: AddressMap = new Map()): Effect.Effect<World> => {
  const lookup = AddressLookup.layerShared(book)
  const options = { bind: "127.0.0.1:0", addressPollInterval: 50 }
  return Effect.succeed(
    worldOf(
      (config) => Gossip.layerIroh({ ...options, ...(config && { config }) }).pipe(Layer.provide(lookup)),
      IrohTransport.layer(options).pipe(Layer.provide(lookup)),
      ({ endpointId, address }) => Effect.map(address, (own) => void book.set(endpointId, own)),
      Effect.sleep(5),
    ),
  )
}

/** Lets time pass until the condition holds. If it never does, the test fails with `what`. */
export const until = (world: World, what: string, condition: () => Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 2_000; i++) {
      if (yield* condition()) return
      yield* world.pass
    }
    return yield* Effect.die(new Error(`waited without success: ${what}`))
  })

/** Lets time pass until the effect is done. */
export const inTime = <A, E, R>(world: World, what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* until(world, what, () => Effect.sync(() => fiber.pollUnsafe() !== undefined))
    return yield* Fiber.join(fiber)
  })

/** All events of a subscription so far, as they come in. */
export const recorded = Effect.fnUntraced(function* (topic: GossipTopic, options?: SubscribeOptions) {
  const events: Array<GossipEvent> = []
  let isOver = false
  const stream = yield* topic.subscribe({ capacity: 10_000, ...options })
  yield* stream.pipe(
    Stream.runForEach((event) => Effect.sync(() => void events.push(event))),
    Effect.andThen(
      Effect.sync(() => {
        isOver = true
      }),
    ),
    Effect.forkScoped,
  )
  return { events, isOver: () => isOver, texts: () => textsOf(events) }
})

/** The messages among events, as text. */
export const textsOf = (events: ReadonlyArray<GossipEvent>): ReadonlyArray<string> =>
  events.flatMap((event) => (event._tag === "Received" ? [new TextDecoder().decode(event.content)] : []))

export const text = (content: string): Uint8Array => new TextEncoder().encode(content)

let topics = 0

/** A topic that no other test has. */
export const freshTopic = (): TopicId => TopicId.fromName(`topic ${++topics}`)

/** Opens the topic on every node, each joining the one before, and waits until all have a neighbour. */
export const joinedInLine = Effect.fnUntraced(function* (
  world: World,
  nodes: ReadonlyArray<GossipService>,
  id: TopicId = freshTopic(),
) {
  const members: Array<GossipTopic> = []
  for (const [i, node] of nodes.entries()) {
    const member = yield* node.open(id)
    members.push(member)
    if (i === 0) continue
    yield* member.join([nodes[i - 1]!.endpointId])
    yield* until(world, `node ${i} has a neighbour`, () => isJoined(member))
  }
  yield* until(world, "the first node has a neighbour", () => isJoined(members[0]!))
  return members
})

export const isJoined = (topic: GossipTopic): Effect.Effect<boolean> =>
  Effect.map(topic.neighbors, (neighbors) => neighbors.size > 0)
