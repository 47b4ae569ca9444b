/** `tracker`: a node of a topic. */

import { Bytes } from "@topic-tracker/common"
import { Topic, type TopicConfig, type TopicEvent, TopicTracker } from "@topic-tracker/core"
import { type Tuning, TuningOverrides } from "@topic-tracker/core/testing"
import { SecretRotation } from "@topic-tracker/crypto"
import { Effect, Layer, Stream } from "effect"
import { type Args, topicOf } from "./args.ts"
import { sayMessage } from "./gossip.ts"
import { dhtLayer, identityLayer } from "./layers.ts"
import { dhtLookupLayer, gossipLayer, learn, sayReady } from "./network.ts"
import { type Command, commands, say } from "./talk.ts"

/** The defaults, except that an interval given (ms) makes its worker run so often without jitter; 0 turns a merge off. */
const configOf = (args: Args): TopicConfig.TopicConfigInput => {
  const worker = (option: string, initial: string) => {
    const every = args.number(option)
    if (every === undefined) return {}
    return every === 0 ? { enabled: false } : { [initial]: every, baseInterval: every, maxJitter: 0 }
  }
  return {
    publisher: worker("publish-every", "initialDelay"),
    bubbleMerge: worker("bubble-merge-every", "initialInterval"),
    messageOverlapMerge: worker("overlap-merge-every", "initialInterval"),
  }
}

/** An interval given (ms) is the longest wait before lost neighbours are dialled again. */
const tuningOf = (args: Args): Partial<Tuning> => {
  const reconnectMaxMs = args.number("reconnect-every")
  return reconnectMaxMs === undefined ? {} : { reconnectMaxMs }
}

const layer = (args: Args) =>
  TopicTracker.layerNoDeps({ config: configOf(args) }).pipe(
    Layer.provide(Layer.succeed(TuningOverrides, tuningOf(args))),
    Layer.provideMerge(gossipLayer(args)),
    Layer.provide(dhtLookupLayer),
    Layer.provide(Layer.mergeAll(identityLayer(args), SecretRotation.layer())),
    Layer.provide(dhtLayer(args)),
  )

/** `--topic --secret --bootstrap` and those of the layers. */
export const tracker = (args: Args) =>
  Effect.gen(function* () {
    yield* sayReady
    const topic = yield* Topic.joinNoWait({ topic: topicOf(args), secret: args.required("secret") })
    const events = yield* topic.subscribe({ capacity: 4096 })
    yield* Effect.forkScoped(Stream.runForEach(events, tell()))
    yield* Stream.runForEach(commands, (command) =>
      Effect.catch(obey(command, topic), ({ message }) => say({ event: "error", message })),
    )
  }).pipe(Effect.scoped, Effect.provide(layer(args)), Effect.andThen(say({ event: "closed" })))

const tell = () => {
  let joined = false
  return Effect.fnUntraced(function* (event: TopicEvent) {
    switch (event._tag) {
      case "NeighborUp":
        yield* say({ event: "neighbor-up", peer: event.peer })
        if (!joined) yield* say({ event: "joined" })
        joined = true
        return
      case "NeighborDown":
        return yield* say({ event: "neighbor-down", peer: event.peer })
      case "Message":
        return yield* sayMessage(event.content, event.from, event.scope, event.round)
      case "Lagged":
        return yield* say({ event: "lagged" })
    }
  })
}

const obey = Effect.fnUntraced(function* (command: Command, topic: Topic.Topic) {
  switch (command.do) {
    case "broadcast": {
      const send = command.scope === "neighbors" ? topic.broadcastNeighbors : topic.broadcast
      yield* send(Bytes.fromHex(command.hex))
      return yield* say({ event: "sent" })
    }
    case "join":
      return yield* topic.joinPeers(learn(new Map(), command.peers))
    case "neighbors":
      return yield* say({ event: "neighbors", peers: [...(yield* topic.neighbors)].sort() })
    case "quit":
      return
  }
})
