/**
 * A members-only topic: a node that does not prove the secret is no neighbor, reads nothing and says nothing, and every message has a
 * proven author. The same program with `--secret "a guess"` finds nobody.
 */
import { Flags, runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Option, Schedule, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const TOPIC = "members-only example"

const flags = {
  ...membersFlags(TOPIC),
  ban: Flags.text("ban", "The id of a node that this one does not talk with, or its first digits").pipe(Flag.optional),
}

type Options = Parameters<typeof membersTopicOf>[1] & { readonly ban: Option.Option<string> }

const membersOnly = Effect.fn("membersOnly")(function* ({ ban, ...options }: Options) {
  // { topic, secret, access: "members" }, or { invite }. All members need the same access.
  const { join } = yield* membersTopicOf(TOPIC, options)
  yield* Console.log(`this node is ${(yield* TopicTracker).endpointId}\nwaiting for the first member…`)
  const topic = yield* Topic.joinNoWait({
    ...join,
    // Asked about neighbors and authors. It is this node's own view: to exclude a member, all others change the secret.
    allow: (peer) => Effect.succeed(Option.isNone(ban) || !peer.startsWith(ban.value)),
  })
  yield* topic.activity.pipe(
    Stream.runForEach((activity) =>
      activity._tag === "Refused" ? Console.log(`refused: ${short(activity.peer)} (${activity.reason})`) : Effect.void,
    ),
    Effect.forkScoped,
  )

  // Each neighbor has proven the secret, and proves it again every minute.
  yield* topic.neighborChanges.pipe(
    Stream.runForEach((neighbors) => Console.log(`neighbors: ${[...neighbors].map(short).join(", ") || "none"}`)),
    Effect.forkScoped,
  )

  const greetings = yield* topic.channel("greetings", Schema.String)
  // Equal messages arrive as often as they were sent: no number is needed, as it is on an open topic.
  yield* greetings.publish("hello").pipe(Effect.repeat(Schedule.spaced("2 seconds")), Effect.forkScoped)
  yield* Stream.runForEach(greetings.messages, ({ author, deliveredFrom, seq, value }) => {
    const way = author === deliveredFrom ? "directly" : `via ${short(deliveredFrom)}`
    return Console.log(`${short(author)} says ${JSON.stringify(value)} (${seq}, ${way})`)
  })
}, Effect.scoped)

const command = Command.make("members-only", flags, (options) =>
  membersOnly(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Talk in a topic that only holders of its secret can join. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
