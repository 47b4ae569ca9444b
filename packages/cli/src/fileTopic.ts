/** The common parts of `send-file` and `receive-file`: options, the topic with Share in it, the way errors are told, and which names are safe. */
import { bootstrap, integer, jsonEvents, relay } from "@topic-tracker/cli-kit/flags"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { type GivenTopic, readTopic, topicFlags } from "@topic-tracker/cli-kit/topic"
import { Topic } from "@topic-tracker/core"
import { Peers } from "@topic-tracker/peers"
import { Share, type ShareError, ShareStorage } from "@topic-tracker/share"
import { Clock, Console, Effect, Layer } from "effect"

/** Files go to members only, if the options do not say otherwise. */
export const fileFlags = {
  ...topicFlags({ access: "members" }),
  bootstrap,
  relay,
  json: jsonEvents,
}

export const secondsFlag = (description: string) => integer("seconds", description, 1, 1_000_000)

/** Share in the topic of the options, with files in this folder. */
export const shareIn = Effect.fnUntraced(function* (given: GivenTopic) {
  const { join } = yield* readTopic(given, { access: "members" })
  const topic = yield* Topic.joinNoWait(join).pipe(Effect.mapError(({ message }) => new UsageError({ message })))
  const services = yield* Layer.build(
    Share.layer(topic).pipe(
      // In a members-only topic the proof decides; one that is open was asked for by an option.
      Layer.provide(Peers.layer(topic, { allow: () => Effect.succeed(true) })),
      Layer.provide(ShareStorage.layerFiles({ directory: "." })),
    ),
  ).pipe(Effect.mapError(({ message }) => new CommandFailed({ message })))
  return { topic, share: yield* Effect.provide(Share, services) }
})

/** An error that another argument mends has exit code 2. */
export const told = ({ message, reason }: ShareError): UsageError | CommandFailed =>
  ["AlreadyExists", "InvalidArgument", "NotFound", "TooLarge"].includes(reason)
    ? new UsageError({ message })
    : new CommandFailed({ message })

/** Prints events as JSON, with the ms since the start. */
export const jsonPrinter = Effect.map(
  Clock.currentTimeMillis,
  (startedAt) =>
    (event: Readonly<Record<string, unknown>>): Effect.Effect<void> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Console.log(JSON.stringify({ ...event, t: now - startedAt }))),
)

/** Names that Windows gives to devices. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** Why the name, which a peer gave, is no name for a file in this folder; undefined if it is one. */
export const whyUnsafe = (name: string): string | undefined => {
  if (name === "") return "is empty"
  if (/[/\\:]/.test(name)) return "leads to another folder"
  if (name.startsWith(".")) return "begins with a dot"
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(name)) return "has control characters"
  if (/[<>"|?*]|[. ]$/.test(name) || DEVICES.test(name)) return "is no name on every system"
  return undefined
}
