/**
 * Lets browser pages take part in a topic: a page cannot reach the DHT nor other members, so it speaks through a member of its own, this program. The
 * room is that of the chat example. Open the printed address; the folder gateway/ has the server and the page.
 */
import { Flags, runCommand } from "@topic-tracker/cli-kit"
import { toHex } from "@topic-tracker/common/Bytes"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { Console, Effect, Layer, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { HttpServer } from "effect/http"
import { Name } from "./chat/ChatMessage.ts"
import { layerPages } from "./gateway/Pages.ts"
import { layerServer } from "./gateway/server.ts"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"

const TOPIC = "lobby"
const TOKEN_BYTES = 16

const flags = {
  ...membersFlags(TOPIC),
  name: Flag.String("name").pipe(
    Flag.withSchema(Name),
    Flag.withDescription("The name of the gateway, 1 to 20 characters (default gateway)"),
    Flag.withDefault("gateway"),
  ),
  port: Flags.port("The port on 127.0.0.1; 0 is any free one (default 8080)", 8080),
}

const gateway = Effect.fn("gateway")(function* (
  { name, port }: { readonly name: string; readonly port: number },
  options: Parameters<typeof membersTopicOf>[1],
) {
  const { join, name: topicName } = yield* membersTopicOf(TOPIC, options)
  const topic = yield* Topic.joinNoWait(join)
  const crypto = yield* Crypto
  const token = Redacted.make(toHex(yield* crypto.randomBytes(TOKEN_BYTES)))
  yield* Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    // The token is behind "#": a browser sends that to nobody.
    yield* Console.log(`open ${HttpServer.formatAddress(address)}/#${Redacted.value(token)}`)
    yield* Effect.never
  }).pipe(Effect.provide(layerServer(port, token).pipe(Layer.provide(layerPages(topic, topicName, name)))))
}, Effect.scoped)

const command = Command.make("gateway", flags, ({ name, port, ...options }) =>
  gateway({ name, port }, options).pipe(
    Effect.provide(
      layerOn(options, (bootstrap) =>
        Layer.merge(TopicTracker.layer({ config: { dht: { bootstrap } } }), Crypto.layer()),
      ),
    ),
  ),
).pipe(Command.withDescription("A web page that takes part in a topic, through this member. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
