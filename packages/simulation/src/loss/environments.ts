/** The pairs of endpoints whose delays are compared: in the network in memory, and of iroh's binding behind a relay that loses as much. */
import { Crypto, type EndpointId, Identity } from "@topic-tracker/crypto"
import { AddressLookup, type EndpointAddress, GossipTransport, IrohTransport } from "@topic-tracker/gossip"
import { MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Cause, Context, Effect, Exit, Layer, Scope } from "effect"
import { LinkModel } from "../environment/LinkModel.ts"
import { seededRandom, VirtualTime } from "../environment/VirtualTime.ts"
import { type LinkSettings, perfectLinks } from "../scenario/LinkSettings.ts"
import { frontOf, IROH_PORT, nodeHost } from "../sockets/addresses.ts"
import { Relay } from "../sockets/Relay.ts"
import { type DelayOptions, type MeasuredDelays, measureDelays } from "./measureDelays.ts"

export interface LossOptions extends DelayOptions {
  readonly pairs: number
  /** The share of packets that is lost. */
  readonly loss: number
  readonly seed: number
}

const linksOf = ({ loss }: LossOptions): LinkSettings => ({ ...perfectLinks, loss })

const identity = () => Layer.fresh(Identity.layerRandom()).pipe(Layer.provide(Crypto.layer()))

/** In the network in memory, on virtual time. */
export const inMemory = (options: LossOptions): MeasuredDelays => {
  const time = new VirtualTime(0, BigInt(options.seed))
  const run = Effect.gen(function* () {
    const links = new LinkModel<EndpointId.EndpointId>(linksOf(options), options.seed, () => time.now)
    const network = yield* MemoryNetwork.make({
      link: links.policy,
      retransmitMs: links.dialAgainMs,
      recovery: links.recovery,
    })
    const pairs = yield* pairsOf(options.pairs, (index) =>
      Layer.build(MemoryTransport.layer(network).pipe(Layer.provide(identity()))).pipe(
        Effect.map((services) => Context.get(services, GossipTransport)),
        Effect.tap(({ endpointId }) => Effect.sync(() => links.addNode(endpointId, index))),
      ),
    )
    return yield* measureDelays(pairs, options)
  })
  const exit = time.run(Effect.flatMap(Scope.make(), (scope) => Scope.provide(run, scope)))
  if (Exit.isFailure(exit)) throw new Error(Cause.pretty(exit.cause))
  return exit.value
}

/** Over real packets. It needs a network namespace of its own: see `sockets/addresses.ts`. */
export const overSockets = Effect.fnUntraced(function* (options: LossOptions) {
  const links = new LinkModel<number>(linksOf(options), options.seed, () => performance.now())
  const random = seededRandom(BigInt(options.seed))
  const relay = yield* Relay.make<number>((from, to, bytes) =>
    links.copies(from, to, () => random.nextDoubleUnsafe(), bytes.length),
  )
  const book = new Map<EndpointId.EndpointId, EndpointAddress>()
  const pairs = yield* pairsOf(options.pairs, (index) =>
    Effect.gen(function* () {
      const host = nodeHost(index)
      const real = { host, port: IROH_PORT }
      links.addNode(index, index)
      yield* relay.attachFront(index, real, frontOf(real))
      const transport = IrohTransport.layer({ bind: `${host}:${IROH_PORT}`, publishPrivateAddresses: true })
      const services = yield* Layer.build(
        transport.pipe(Layer.provide(AddressLookup.layerStatic(book)), Layer.provide(identity())),
      )
      const service = Context.get(services, GossipTransport)
      book.set(service.endpointId, { relayUrl: undefined, direct: [`${host}:${IROH_PORT}`] })
      return service
    }),
  )
  return yield* measureDelays(pairs, options)
}, Effect.scoped)

const pairsOf = <A, E, R>(pairs: number, make: (index: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: pairs }, (_, i) => i),
    (i) => Effect.all([make(2 * i), make(2 * i + 1)]),
  )
