/**
 * Checks the arguments of a topic's users. They may come from JavaScript, from another realm, or from a second copy of a package, so
 * values are recognised by their shape and not by their class.
 */
import { TopicId } from "@topic-tracker/crypto"
import { Protocol } from "@topic-tracker/gossip"
import { Duration, Effect, Option, Redacted } from "effect"
import * as Invite from "../invite/Invite.ts"
import type { JoinByInviteOptions, JoinOptions, JoinSettings } from "./Topic.ts"
import { invalidArgument, invalidInvite, refusedArgument, type TopicError } from "./TopicError.ts"
import type { MembersSettings } from "./TopicKey.ts"

/** The id of a topic that is given as a name or an id. */
export const topicIdOf = (topic: unknown): Effect.Effect<TopicId, TopicError> => {
  if (topic instanceof TopicId) return Effect.succeed(topic)
  const bytes = isObject(topic) ? Reflect.get(topic, "bytes") : undefined
  if (isBytes(bytes) && bytes.length === 32) return Effect.succeed(TopicId.fromBytes(bytes))
  if (isDecomposed(topic)) return Effect.fail(decomposedText("topic"))
  if ((typeof topic === "string" || isBytes(topic)) && topic.length > 0) {
    return Effect.sync(() => TopicId.fromName(typeof topic === "string" ? topic : ofThisRealm(topic)))
  }
  return Effect.fail(invalidArgument("topic", describe(topic), "a name of at least one byte, or a TopicId"))
}

/** The secret, redacted. No error shows it. */
export const secretOf = (secret: unknown): Effect.Effect<Redacted.Redacted<string | Uint8Array>, TopicError> => {
  const value: unknown = Redacted.isRedacted(secret) ? Redacted.value(secret) : secret
  if (isDecomposed(value)) return Effect.fail(decomposedText("secret"))
  return (typeof value === "string" || isBytes(value)) && value.length > 0
    ? Effect.succeed(Redacted.make(typeof value === "string" ? value : ofThisRealm(value)))
    : Effect.fail(invalidArgument("secret", describe(value), "text or a Uint8Array of at least one byte"))
}

/**
 * Whether a text is not in Unicode's form NFC. Such a text looks like the composed one but names another topic, so users who type it
 * on different systems would never meet.
 */
const isDecomposed = (value: unknown): boolean => typeof value === "string" && value !== value.normalize("NFC")

const decomposedText = (argument: "topic" | "secret"): TopicError =>
  invalidArgument(argument, "text that is not in Unicode's form NFC", `the text's normalize("NFC"), or its bytes`)

/** The checked arguments of a join. */
export interface JoinTarget {
  readonly topic: TopicId
  /** The topic's name, if it was given as text. */
  readonly name: string | undefined
  readonly secret: Redacted.Redacted<string | Uint8Array>
  readonly access: "open" | "members"
  /** The endpoints that an invitation names. */
  readonly invited: ReadonlyArray<Invite.InvitePeer>
  /** The secret that replaced the initial one, if the invitation has it. */
  readonly ring: Invite.InviteGeneration | undefined
  readonly members: MembersSettings
}

/** Fails when an option of a join is unknown or invalid, or its invitation cannot be used now. */
export const joinTarget = Effect.fnUntraced(function* (
  options: JoinOptions | JoinByInviteOptions,
): Effect.fn.Return<JoinTarget, TopicError> {
  const unknown = Object.keys(options).find((name) => !JOIN_OPTIONS.includes(name))
  if (unknown !== undefined) {
    return yield* invalidArgument(unknown, "no option of a join", `one of ${JOIN_OPTIONS.join(", ")}`)
  }
  if (!("invite" in options)) {
    const target = yield* targetOf(options)
    return { ...target, members: yield* membersSettings(options, target.access), invited: [], ring: undefined }
  }
  const other = Object.keys(options).find((name) => NAMED_OPTIONS.includes(name))
  if (other !== undefined) {
    return yield* refusedArgument(other, `${other}: given beside an invitation; the invitation says it`)
  }
  const invite = yield* inviteOf(options.invite)
  // Other programs than ours may have made it. A name that is no key cannot be dialled, and would cost lookups.
  const invited = invite.peers.filter(({ id }) => Protocol.isEndpointKey(id)).slice(0, Invite.MAX_INVITE_PEERS)
  const target = yield* targetOf(invite)
  return { ...target, members: yield* membersSettings(options, target.access), invited, ring: invite.ring }
})

/** The options that only a members-only topic has. */
const membersSettings = Effect.fnUntraced(function* (
  { allow, overlap }: JoinSettings,
  access: "open" | "members",
): Effect.fn.Return<MembersSettings, TopicError> {
  for (const [name, value] of Object.entries({ allow, overlap })) {
    if (value !== undefined && access === "open") {
      return yield* refusedArgument(name, `${name}: given for an open topic; it needs access: "members"`)
    }
  }
  if (allow !== undefined && typeof allow !== "function") {
    return yield* invalidArgument("allow", describe(allow), "a function that returns an Effect")
  }
  const given = overlap === undefined ? undefined : Duration.fromInput(overlap)
  if (given === undefined) {
    return overlap === undefined
      ? { ...(allow && { allow }) }
      : yield* invalidArgument("overlap", describe(overlap), OVERLAP)
  }
  const minutes = Option.match(given, { onNone: () => Number.NaN, onSome: Duration.toMinutes })
  if (!Number.isInteger(minutes) || minutes < 2 || minutes > 12) {
    return yield* invalidArgument("overlap", `${minutes} minutes`, OVERLAP)
  }
  return { ...(allow && { allow }), overlapMinutes: minutes }
})

const OVERLAP = "2 to 12 whole minutes"

const NAMED_OPTIONS = ["topic", "secret", "access"]
const JOIN_OPTIONS = [...NAMED_OPTIONS, "invite", "config", "allow", "overlap"]

const targetOf = Effect.fnUntraced(function* (target: {
  readonly topic: unknown
  readonly secret: unknown
  readonly access?: unknown
}) {
  const { access = "open" } = target
  if (access !== "open" && access !== "members") {
    return yield* invalidArgument("access", describe(access), `"open" or "members"`)
  }
  const name = typeof target.topic === "string" ? target.topic : undefined
  return { topic: yield* topicIdOf(target.topic), name, secret: yield* secretOf(target.secret), access } as const
})

/** The invitation, if it has not expired. Its peers are an array of objects. */
const inviteOf = Effect.fnUntraced(function* (given: unknown): Effect.fn.Return<Invite.Invite, TopicError> {
  const value: unknown = Redacted.isRedacted(given) ? Redacted.value(given) : given
  if (typeof value === "string") return yield* Effect.mapError(Invite.parse(value), invalidInvite)
  if (!isObject(value) || !Array.isArray(Reflect.get(value, "peers"))) {
    return yield* invalidArgument("invite", describe(value), "the text of an invitation, or what Invite.parse read")
  }
  const invite = value as Invite.Invite
  yield* Effect.mapError(Invite.checkTime(invite), invalidInvite)
  return invite
})

/** The bytes of a message; undefined if the content is neither text nor bytes. */
export const contentBytes = (content: unknown): Uint8Array | undefined => {
  if (typeof content === "string") return new TextEncoder().encode(content)
  return isBytes(content) ? ofThisRealm(content) : undefined
}

export const invalidContent = (content: unknown): TopicError =>
  invalidArgument("content", describe(content), "text or a Uint8Array")

const isBytes = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array || Object.prototype.toString.call(value) === "[object Uint8Array]"

const ofThisRealm = (bytes: Uint8Array): Uint8Array =>
  bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes as Uint8Array)

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** The kind of a value, never the value: it may be a secret. */
const describe = (value: unknown): string => {
  if (value === undefined || value === null) return String(value)
  if (typeof value === "string" || isBytes(value)) return value.length === 0 ? "empty" : `${value.length} long`
  // "[object ArrayBuffer]" and the like.
  const kind = typeof value === "object" ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
  return `${/^[AEIOaeio]/.test(kind) ? "an" : "a"} ${kind}`
}
