/** `members`: a node of a members-only topic, without the tracker. */
import { Bytes } from "@topic-tracker/common"
import { Crypto, Identity, initialSecretHash, SecretRotation } from "@topic-tracker/crypto"
import { type BytesChannel, Gossip, type MembersTopic } from "@topic-tracker/gossip"
import { Effect, Layer, Redacted, Stream } from "effect"
import { type Args, topicOf } from "./args.ts"
import { emitEvents, emitMessage, runCommand as runGossipCommand } from "./gossip.ts"
import { identityLayer } from "./layers.ts"
import {
  emitReady,
  gossipLayer,
  type KnownAddresses,
  learnAddresses,
  publishAddresses,
  staticLookupLayer,
} from "./network.ts"
import { type Command, commands, emit } from "./stdio.ts"

const layer = (args: Args, known: KnownAddresses) =>
  gossipLayer(args).pipe(
    Layer.provideMerge(staticLookupLayer(known)),
    Layer.provideMerge(identityLayer(args)),
    Layer.provideMerge(Crypto.layer()),
    Layer.provideMerge(SecretRotation.layer()),
  )

/** `--topic NAME --secret TEXT --channel NAME [--join ID@IP:PORT,…]` and those of the layers. */
export const members = (args: Args) => {
  const known: KnownAddresses = new Map()
  return Effect.gen(function* () {
    const service = yield* Gossip
    yield* publishAddresses
    const topic = yield* service.openMembers({
      crypto: yield* Crypto,
      rotation: yield* SecretRotation,
      author: (yield* Identity).signingKey,
      topic: topicOf(args),
      secretHash: initialSecretHash(Redacted.make(args.required("secret"))),
      onRefused: (peer, reason) => Effect.runFork(emit({ event: "refused", peer, reason })),
    })
    const channel = yield* topic.channel(args.required("channel"), { capacity: 4096 })
    const events = yield* topic.gossip.subscribe({ capacity: 4096 })
    yield* emitReady
    yield* Effect.forkScoped(Stream.runForEach(events, emitEvents()))
    yield* Effect.forkScoped(
      Stream.runForEach(channel.events, (event) => {
        if (event._tag === "Received") return emitMessage(event.message, event.author, "swarm", 0)
        return emit({ event: "error", message: `${event._tag} in the channel` })
      }),
    )
    const join = args.optional("join")
    if (join !== undefined) yield* topic.gossip.join(learnAddresses(known, join.split(",")))
    yield* Stream.runForEach(commands, (command) =>
      Effect.catch(runCommand(command, topic, channel, known), ({ message }) => emit({ event: "error", message })),
    )
  }).pipe(Effect.scoped, Effect.provide(layer(args, known)), Effect.andThen(emit({ event: "closed" })))
}

/** A broadcast goes into the channel; the other commands are those of a gossip node. */
const runCommand = (command: Command, topic: MembersTopic, channel: BytesChannel, known: KnownAddresses) =>
  command.do === "broadcast"
    ? Effect.andThen(channel.publish([Bytes.fromHex(command.hex)]), emit({ event: "sent" }))
    : runGossipCommand(command, topic.gossip, known)
