/**
 * An invitation. The first node founds a members-only topic with a secret of its own and prints the invitation, as text and as a QR code; a
 * guest joins with that text and nothing else. The invitation names the founder's address, so the guest needs one dial, and no DHT.
 */
import { runCommand, stdoutQrCode } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Option, Redacted, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const TOPIC = "invite example"
const { bootstrap, cache, invite, testnet } = membersFlags(TOPIC)

/** A new topic that only holders of its invitation can join. */
const found = Effect.gen(function* () {
  // 32 random bytes: nobody can guess them, and nobody has to remember them.
  const secret = Redacted.make(crypto.getRandomValues(new Uint8Array(32)))
  const topic = yield* Topic.joinNoWait({ topic: TOPIC, secret, access: "members" })
  const invitation = Redacted.value(yield* topic.invite({ expiresIn: "1 day" }))
  // An invitation is a key to the topic: it is shown to the one who asked for it, and written to no log.
  const code = stdoutQrCode(invitation)
  if (code.fits) yield* Console.log(code.text)
  yield* Console.log(`${invitation}\nwaiting for a guest…`)
  return topic
})

/** The topic of the invitation. */
const enter = Effect.fnUntraced(function* (invite: Redacted.Redacted<string>) {
  const none = Option.none()
  const { join } = yield* membersTopicOf(TOPIC, {
    topic: none,
    secret: none,
    secretFile: none,
    invite: Option.some(invite),
  })
  return yield* Topic.joinNoWait(join)
})

const meet = Effect.fn("invite")(function* (invite: Option.Option<Redacted.Redacted<string>>) {
  const topic = yield* Option.match(invite, { onNone: () => found, onSome: enter })
  const hello = yield* topic.channel("hello", Schema.String)
  yield* topic.joined
  yield* Console.log("joined")
  yield* hello.publish("hello")
  yield* Stream.runForEach(hello.messages, ({ author, value }) =>
    Console.log(`${short(author)} says ${JSON.stringify(value)}`),
  )
}, Effect.scoped)

const command = Command.make("invite", { bootstrap, cache, invite, testnet }, (options) =>
  meet(options.invite).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(
  Command.withDescription("Found a topic and print its invitation, or join with --invite TEXT. Runs until Ctrl-C."),
)

runCommand(command, { whenInterrupted: 0 })
