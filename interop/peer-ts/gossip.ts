/** `gossip`: a gossip node without the tracker. */
import { Bytes } from "@topic-tracker/common"
import type { TopicEvent } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { Gossip, type GossipEvent, type GossipTopic } from "@topic-tracker/gossip"
import { Effect, Layer, Stream } from "effect"
import { type Args, topicOf } from "./args.ts"
import { dhtLayer, identityLayer } from "./layers.ts"
import {
  dhtLookupLayer,
  emitReady,
  gossipLayer,
  type KnownAddresses,
  learnAddresses,
  publishAddresses,
  staticLookupLayer,
} from "./network.ts"
import { type Command, commands, emit } from "./stdio.ts"

const layer = (args: Args, known: KnownAddresses) => {
  const lookup =
    args.optional("bootstrap") === undefined
      ? staticLookupLayer(known)
      : dhtLookupLayer.pipe(Layer.provide(dhtLayer(args)))
  return gossipLayer(args).pipe(
    Layer.provideMerge(lookup),
    Layer.provide(identityLayer(args)),
    Layer.provide(Crypto.layer()),
  )
}

/** `--topic NAME [--join ID[@IP:PORT],…] [--bootstrap …] [--key HEX]` and those of the layers. */
export const gossip = (args: Args) => {
  const known: KnownAddresses = new Map()
  return Effect.gen(function* () {
    const service = yield* Gossip
    yield* publishAddresses
    const topic = yield* service.open(topicOf(args))
    const events = yield* topic.subscribe({ capacity: 4096 })
    yield* emitReady
    yield* Effect.forkScoped(Stream.runForEach(events, emitEvents()))
    const join = args.optional("join")
    if (join !== undefined) yield* topic.join(learnAddresses(known, join.split(",")))
    yield* Stream.runForEach(commands, (command) =>
      Effect.catch(runCommand(command, topic, known), ({ message }) => emit({ event: "error", message })),
    )
  }).pipe(Effect.scoped, Effect.provide(layer(args, known)), Effect.andThen(emit({ event: "closed" })))
}

/** Prints neighbours and messages: of gossip, or of a topic, which differ in the name of a message. */
export const emitEvents = () => {
  let joined = false
  return Effect.fnUntraced(function* (event: GossipEvent | TopicEvent) {
    switch (event._tag) {
      case "NeighborUp":
        yield* emit({ event: "neighbor-up", peer: event.peer })
        if (!joined) yield* emit({ event: "joined" })
        joined = true
        return
      case "NeighborDown":
        return yield* emit({ event: "neighbor-down", peer: event.peer })
      case "Received":
      case "Message":
        return yield* emitMessage(event.content, event.deliveredFrom, event.scope, event.round)
      case "Lagged":
        return yield* emit({ event: "lagged" })
    }
  })
}

/** Prints a message. */
export const emitMessage = (content: Uint8Array, from: string, scope: "swarm" | "neighbors", round: number) =>
  emit({ event: "message", text: new TextDecoder().decode(content), hex: Bytes.toHex(content), from, scope, round })

/** Runs a command of standard input. */
export const runCommand = Effect.fnUntraced(function* (command: Command, topic: GossipTopic, known: KnownAddresses) {
  switch (command.do) {
    case "broadcast":
      yield* topic.broadcast(Bytes.fromHex(command.hex), command.scope)
      return yield* emit({ event: "sent" })
    case "join":
      return yield* topic.join(learnAddresses(known, command.peers))
    case "link":
      return yield* topic.connect(learnAddresses(known, command.peers))
    case "neighbors":
      return yield* emit({ event: "neighbors", peers: [...(yield* topic.neighbors)].sort() })
    case "quit":
      return
  }
})
