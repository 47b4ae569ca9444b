/** `gossip`: a gossip node without the tracker. */
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Gossip, type GossipEvent, type GossipTopic } from "@topic-tracker/gossip"
import { Effect, Layer, Stream } from "effect"
import { type Args, topicOf } from "./args.ts"
import { dhtLayer, identityLayer } from "./layers.ts"
import {
  dhtLookupLayer,
  gossipLayer,
  learn,
  publishAddresses,
  sayReady,
  staticLookupLayer,
  type Told,
} from "./network.ts"
import { type Command, commands, say } from "./talk.ts"

const layer = (args: Args, told: Told) => {
  const lookup =
    args.optional("bootstrap") === undefined
      ? staticLookupLayer(told)
      : dhtLookupLayer.pipe(Layer.provide(dhtLayer(args)))
  return gossipLayer(args).pipe(
    Layer.provideMerge(lookup),
    Layer.provide(identityLayer(args)),
    Layer.provide(Crypto.layer()),
  )
}

/** `--topic NAME [--join ID[@IP:PORT],…] [--bootstrap …] [--key HEX]` and those of the layers. */
export const gossip = (args: Args) => {
  const told: Told = new Map()
  return Effect.gen(function* () {
    const service = yield* Gossip
    yield* publishAddresses
    const topic = yield* service.open(topicOf(args))
    const events = yield* topic.subscribe({ capacity: 4096 })
    yield* sayReady
    yield* Effect.forkScoped(Stream.runForEach(events, tell()))
    const join = args.optional("join")
    if (join !== undefined) yield* topic.join(learn(told, join.split(",")))
    yield* Stream.runForEach(commands, (command) =>
      Effect.catch(obey(command, topic, told), ({ message }) => say({ event: "error", message })),
    )
  }).pipe(Effect.scoped, Effect.provide(layer(args, told)), Effect.andThen(say({ event: "closed" })))
}

const tell = () => {
  let joined = false
  return Effect.fnUntraced(function* (event: GossipEvent) {
    switch (event._tag) {
      case "NeighborUp":
        yield* say({ event: "neighbor-up", peer: event.peer })
        if (!joined) yield* say({ event: "joined" })
        joined = true
        return
      case "NeighborDown":
        return yield* say({ event: "neighbor-down", peer: event.peer })
      case "Received":
        return yield* sayMessage(event.content, event.deliveredFrom, event.scope, event.round)
      case "Lagged":
        return yield* say({ event: "lagged" })
    }
  })
}

/** One shape for messages, whoever heard them. */
export const sayMessage = (content: Uint8Array, from: string, scope: "swarm" | "neighbors", round: number) =>
  say({ event: "message", text: new TextDecoder().decode(content), hex: Bytes.toHex(content), from, scope, round })

const obey = Effect.fnUntraced(function* (command: Command, topic: GossipTopic, told: Told) {
  switch (command.do) {
    case "broadcast":
      yield* topic.broadcast(Bytes.fromHex(command.hex), command.scope)
      return yield* say({ event: "sent" })
    case "join":
      return yield* topic.join(learn(told, command.peers))
    case "link":
      return yield* topic.connect(learn(told, command.peers))
    case "neighbors":
      return yield* say({ event: "neighbors", peers: [...(yield* topic.neighbors)].sort() })
    case "quit":
      return
  }
})
