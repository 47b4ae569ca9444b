/** `tracker`: a node of a topic. */

import { Bytes } from "@topic-tracker/common"
import { Topic, type TopicConfig, TopicTracker } from "@topic-tracker/core"
import { type Tuning, TuningOverrides } from "@topic-tracker/core/testing"
import { SecretRotation } from "@topic-tracker/crypto"
import { Effect, Layer, Stream } from "effect"
import { type Args, topicOf } from "./args.ts"
import { emitEvents } from "./gossip.ts"
import { dhtLayer, identityLayer } from "./layers.ts"
import { dhtLookupLayer, emitReady, gossipLayer, learnAddresses } from "./network.ts"
import { type Command, commands, emit } from "./stdio.ts"

/** The defaults, except for given intervals (ms): their worker runs at that interval without jitter. 0 turns a merge off. */
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

/** `--reconnect-every MS`: the longest wait before lost neighbours are dialled again. */
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

/** `--topic --secret --bootstrap` and the options of the layers. */
export const tracker = (args: Args) =>
  Effect.gen(function* () {
    yield* emitReady
    const topic = yield* Topic.joinNoWait({ topic: topicOf(args), secret: args.required("secret") })
    const events = yield* topic.subscribe({ capacity: 4096 })
    yield* Effect.forkScoped(Stream.runForEach(events, emitEvents()))
    yield* Stream.runForEach(commands, (command) =>
      Effect.catch(runCommand(command, topic), ({ message }) => emit({ event: "error", message })),
    )
  }).pipe(Effect.scoped, Effect.provide(layer(args)), Effect.andThen(emit({ event: "closed" })))

const runCommand = Effect.fnUntraced(function* (command: Command, topic: Topic.Topic) {
  switch (command.do) {
    case "broadcast": {
      const send = command.scope === "neighbors" ? topic.broadcastNeighbors : topic.broadcast
      yield* send(Bytes.fromHex(command.hex))
      return yield* emit({ event: "sent" })
    }
    case "join":
      return yield* topic.joinPeers(learnAddresses(new Map(), command.peers))
    case "neighbors":
      return yield* emit({ event: "neighbors", peers: [...(yield* topic.neighbors)].sort() })
    case "quit":
      return
  }
})
