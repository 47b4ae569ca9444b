/**
 * Shows all members of a topic, not only the neighbours, each with a name and what it does. Type a line to change what you do. Start it in several
 * terminals, then end one of them with Ctrl-C and another with `kill -9`.
 */
import { createInterface } from "node:readline"
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Presence } from "@topic-tracker/presence"
import { Console, Effect, Option, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { layerOn, membersFlags, membersTopicOf } from "./lib/meeting.ts"
import { short } from "./lib/talk.ts"

const TOPIC = "who-is-here example"

/** All members use the same one. A field that is added later must be optional. */
const Person = Schema.Struct({ name: Schema.String, does: Schema.String })

const WORDS = {
  Joined: "is here:",
  Updated: "now:",
  Suspected: "does not answer,",
  Left: "has left,",
  Lost: "is lost,",
} as const

const lines = Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (cause) => cause).pipe(Stream.orDie)

const whoIsHere = Effect.fn("whoIsHere")(function* (name: string, options: Parameters<typeof membersTopicOf>[1]) {
  const { join } = yield* membersTopicOf(TOPIC, options)
  const topic = yield* Topic.joinNoWait(join)
  const presence = yield* Presence.make(topic, { schema: Person, state: { name, does: "nothing yet" } })
  yield* lines.pipe(
    Stream.runForEach((does) => presence.update({ name, does: does.slice(0, 80) })),
    Effect.forkScoped,
  )
  yield* Stream.runForEach(presence.changes, ({ _tag, member }) => {
    const you = member.id === presence.self ? " (you)" : ""
    // JSON quotes them: a name can contain control sequences of the terminal.
    const { does, name } = member.state
    return Console.log(`${short(member.id)} ${JSON.stringify(name)}${you} ${WORDS[_tag]} ${JSON.stringify(does)}`)
  })
}, Effect.scoped)

const flags = {
  ...membersFlags(TOPIC),
  name: Flag.String("name").pipe(Flag.withDescription("Your name (default: somebody)"), Flag.optional),
}

const command = Command.make("who-is-here", flags, ({ name, ...options }) =>
  whoIsHere(Option.getOrElse(name, () => "somebody").slice(0, 40), options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
  ),
).pipe(Command.withDescription("Show all members of a topic and what they do. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
