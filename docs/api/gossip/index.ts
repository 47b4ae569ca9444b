import { Crypto, Identity, TopicId } from "@topic-tracker/crypto"
import { Gossip } from "@topic-tracker/gossip"
import { layerMemory, MemoryNetwork } from "@topic-tracker/gossip/testing"
import { Context, Effect, Layer, Stream } from "effect"

const program = Effect.gen(function* () {
  const network = yield* MemoryNetwork.make()
  const identity = () => Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))
  const node = Effect.map(Layer.build(layerMemory(network).pipe(Layer.provide(identity()))), (services) =>
    Context.get(services, Gossip),
  )
  const [ada, bo] = [yield* node, yield* node]
  const topic = TopicId.fromName("greetings")
  const atAda = yield* ada.open(topic)
  const atBo = yield* bo.open(topic)
  const events = yield* atBo.subscribe()
  yield* atBo.join([ada.endpointId])
  const received = yield* events.pipe(
    Stream.tap(({ _tag }) => (_tag === "NeighborUp" ? atAda.broadcast(new Uint8Array([7])) : Effect.void)),
    Stream.filter((event) => event._tag === "Received"),
    Stream.runHead,
  )
  console.log(received._tag) // → Some
})

await Effect.runPromise(Effect.scoped(program))
