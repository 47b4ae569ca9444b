/** The user interface of the chat: coloured names, commands, and the exit. Both chat examples use it. */
import { styleText } from "node:util"
import { type Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Option, type Scope, Stream } from "effect"
import { Flag } from "effect/cli"
import { layerOn, membersFlags, membersTopicOf } from "../lib/meeting.ts"
import { Name } from "./ChatMessage.ts"
import * as ChatRoom from "./ChatRoom.ts"
import { LogLines } from "./LogLines.ts"
import * as Screen from "./Screen.ts"

const TOPIC = "lobby"

/** Both chats meet in the same topic. */
export const chatFlags = {
  ...membersFlags(TOPIC),
  name: Flag.String("name").pipe(
    Flag.withSchema(Name),
    Flag.withDescription("Your name, 1 to 20 characters (default guest-…)"),
    Flag.optional,
  ),
}

const COLOURS = ["cyan", "yellow", "magenta", "green", "blue", "red"] as const

/** Respects NO_COLOR and the abilities of the terminal. */
const styled = (style: (typeof COLOURS)[number] | "dim", text: string) =>
  styleText(style, text, { stream: process.stdout })

/** The colour depends on the member's id, so that it is the same on every screen. */
const coloured = ({ id }: ChatRoom.Member, text: string) =>
  styled(COLOURS[Number.parseInt(id.slice(0, 2), 16) % COLOURS.length] ?? "dim", text)

const HELP = "/who lists the members, /quit leaves, like Ctrl-C and Ctrl-D"

type ChatOptions = Parameters<typeof membersTopicOf>[1] &
  Parameters<typeof layerOn>[0] & { readonly name: Option.Option<string> }

/** The topic to join, and its name. */
export type ChatTopic = Effect.Success<ReturnType<typeof membersTopicOf>>

/** The chat as a program. `join` is the only difference between the two examples. */
export const runChat = <E>(
  options: ChatOptions,
  join: (topic: ChatTopic) => Effect.Effect<Topic.Topic, E, TopicTracker | Scope.Scope>,
) =>
  Effect.gen(function* () {
    const logLines = yield* LogLines.make
    yield* Effect.gen(function* () {
      yield* chat(yield* join(yield* membersTopicOf(TOPIC, options)), options.name, logLines)
    }).pipe(
      Effect.scoped,
      Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } } }))),
      Effect.provide(logLines.layer),
    )
    yield* Console.log("You left.")
  })

/** Runs until the user leaves. `name` is the wanted name. */
const chat = Effect.fn("chat")(function* (topic: Topic.Topic, name: Option.Option<string>, logLines: LogLines) {
  const { endpointId } = yield* TopicTracker
  const room = yield* ChatRoom.enter(
    topic,
    Option.getOrElse(name, () => `guest-${endpointId.slice(0, 4)}`),
  )
  const screen = yield* Screen.open(`${coloured(room.me, room.me.name)} › `)
  const notice = (text: string) => screen.print(styled("dim", "* "), styled("dim", text))

  /** The name, with the start of the id if another member has the same name. */
  const labelOf = Effect.fnUntraced(function* (member: ChatRoom.Member) {
    const namesakes = [room.me, ...(yield* room.others)].filter(
      ({ id, name }) => name === member.name && id !== member.id,
    )
    return namesakes.length === 0 ? member.name : `${member.name}#${member.id.slice(0, 4)}`
  })

  const show = Effect.fnUntraced(function* (event: ChatRoom.ChatEvent) {
    switch (event._tag) {
      case "Said":
        return yield* screen.print(`${coloured(event.member, yield* labelOf(event.member))} › `, event.text)
      case "Arrived":
        return yield* notice(`${yield* labelOf(event.member)} is here`)
      case "Left":
        return yield* notice(`${yield* labelOf(event.member)} is gone: ${event.reason}`)
      case "Missed":
        return yield* notice(`${event.count} lines of ${event.author.slice(0, 4)}… are lost`)
      case "Lagged":
        return yield* notice(`${event.count} lines are lost: they came faster than this screen`)
      case "NotSent":
        return yield* notice(`not sent: ${event.reason}`)
    }
  })

  const say = Effect.fnUntraced(function* (line: string) {
    yield* room.say(line)
    if ((yield* room.others).length > 0 || line.trim() === "") return
    yield* notice("no other member is here yet; the line is sent when one arrives")
  })

  const enter = Effect.fnUntraced(function* (line: string) {
    if (!line.startsWith("/")) return yield* say(line)
    if (line.trim() !== "/who") return yield* notice(HELP)
    const others = yield* Effect.forEach(yield* room.others, labelOf)
    yield* notice(`here: ${[`${room.me.name} (you)`, ...others.sort()].join(", ")}`)
  })

  if (screen.isTerminal) yield* logLines.printWith(notice)
  yield* notice(`You are ${room.me.name}. ${HELP}.`)
  yield* Effect.forkScoped(Stream.runForEach(room.events, show))
  yield* screen.lines.pipe(
    Stream.takeWhile((line) => line.trim() !== "/quit"),
    Stream.runForEach(enter),
  )
  // With a pipe, all lines are sent before the chat ends.
  if (!screen.isTerminal) yield* room.allSent
  yield* room.leave
}, Effect.scoped)
