/**
 * Checks the arguments of a topic's users. They may come from JavaScript, from another realm, or from a second copy of a package, so
 * values are recognised by their shape and not by their class.
 */
import { TopicId } from "@topic-tracker/crypto"
import { Effect, Redacted } from "effect"
import type { JoinOptions } from "./Topic.ts"
import { invalidArgument, type TopicError } from "./TopicError.ts"

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

/** Fails when an option of a join is unknown. */
export const checkJoinOptions = (options: JoinOptions): Effect.Effect<void, TopicError> => {
  const access: unknown = options.access
  if (access !== undefined && access !== "open" && access !== "members") {
    return Effect.fail(invalidArgument("access", describe(access), `"open" or "members"`))
  }
  const unknown = Object.keys(options).find((name) => !JOIN_OPTIONS.includes(name))
  if (unknown === undefined) return Effect.void
  return Effect.fail(invalidArgument(unknown, "no option of a join", `one of ${JOIN_OPTIONS.join(", ")}`))
}

const JOIN_OPTIONS = ["topic", "secret", "access", "config"]

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
