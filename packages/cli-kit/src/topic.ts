/**
 * The topic of a command: `--topic NAME` with a secret and perhaps `--access members`, or `--invite TEXT`, which has all of them. An
 * invitation is membership, so it appears in no output and no log, like the secret.
 */
import type { Topic } from "@topic-tracker/core"
import * as Invite from "@topic-tracker/core/Invite"
import { Effect, Option, Redacted } from "effect"
import { Flag, type Prompt } from "effect/cli"
import { UsageError } from "./errors.ts"
import { text } from "./flags.ts"
import { type GivenSecret, givenSecrets, readSecret, readStandardInput, secretFlags } from "./secret.ts"

/** The nodes that may take part: everybody that knows the name, or those that prove the secret. */
export type Access = "open" | "members"

/** The values that hold without options. A command without a default topic, or without a default secret, asks for it. */
export interface TopicDefaults {
  readonly topic?: string
  readonly secret?: string
  /** Default: `"open"`. */
  readonly access?: Access
}

/** The options `--topic`, `--secret`, `--secret-file`, `--access` and `--invite`. Pass their values to {@link readTopic}. */
export const topicFlags = ({ access = "open", secret, topic }: TopicDefaults = {}) => ({
  topic: text("topic", `The topic's name${byDefault(topic)}`).pipe(Flag.optional),
  ...secretFlags(`The secret of the topic, known to its members only${byDefault(secret)}`),
  access: accessFlag(access),
  invite: Flag.Redacted("invite").pipe(
    Flag.withMetavar("text"),
    Flag.withDescription("An invitation (- for standard input), in place of topic, secret and access"),
    Flag.optional,
  ),
})

const byDefault = (value: string | undefined) => (value === undefined ? "" : ` (default ${JSON.stringify(value)})`)

/** The option `--access`. */
export const accessFlag = (fallback: Access) =>
  Flag.Literals("access", ["open", "members"]).pipe(
    Flag.withDescription(
      `members: only nodes that prove the secret take part, in place of all that know the name (default ${fallback})`,
    ),
    Flag.optional,
  )

/** The values of {@link topicFlags}. */
export interface GivenTopic extends GivenSecret {
  readonly topic: Option.Option<string>
  readonly access: Option.Option<Access>
  readonly invite: Option.Option<Redacted.Redacted<string>>
}

/** The topic to join. */
export interface ReadTopic {
  readonly join: Topic.JoinOptions | Topic.JoinByInviteOptions
  readonly access: Access
  /** The topic's name, for people. */
  readonly name: string
}

/** The topic of the options. Fails with one line if something is missing, given twice, or no valid invitation. */
export const readTopic = Effect.fnUntraced(function* (
  given: GivenTopic,
  defaults: TopicDefaults = {},
): Effect.fn.Return<ReadTopic, UsageError, Prompt.Environment> {
  if (Option.isSome(given.invite)) return yield* readInvitation(given, given.invite.value)
  const name = Option.getOrElse(given.topic, () => defaults.topic)
  if (name === undefined) return yield* new UsageError({ message: "--topic is missing: The topic's name" })
  const access = Option.getOrElse(given.access, () => defaults.access ?? "open")
  const secret = yield* readSecret(given, defaults.secret === undefined ? undefined : Redacted.make(defaults.secret))
  return { join: { topic: name, secret, access }, access, name }
})

const readInvitation = Effect.fnUntraced(function* (given: GivenTopic, invitation: Redacted.Redacted<string>) {
  const others = [
    ...(Option.isSome(given.topic) ? ["--topic"] : []),
    ...(yield* givenSecrets(given)),
    ...(Option.isSome(given.access) ? ["--access"] : []),
  ]
  if (others.length > 0) {
    return yield* new UsageError({
      message: `--invite: has topic, secret and access; give it without ${others.join(", ")}`,
    })
  }
  const written = Redacted.value(invitation)
  const fromInput = Effect.mapError(
    readStandardInput,
    () => new UsageError({ message: "--invite: standard input cannot be read" }),
  )
  const invite = yield* Invite.parse(written === "-" ? new TextDecoder().decode(yield* fromInput) : written).pipe(
    Effect.mapError(({ message }) => new UsageError({ message: message.replace(/^invitation/, "--invite") })),
  )
  const { access, topic } = invite
  return { join: { invite }, access, name: typeof topic === "string" ? topic : topic.hex }
})
