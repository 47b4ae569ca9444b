/**
 * The messages of the chat: JSON with a Schema. The Schema also checks messages from strangers: a message that does not match is
 * dropped.
 */
import { EndpointId } from "@topic-tracker/crypto"
import { Option, Schema } from "effect"

/** Control characters, which can move the cursor of a terminal or do worse, and those that change the direction of text. */
const UNSAFE = "\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069"

const isSafe = Schema.isPattern(new RegExp(`^[^${UNSAFE}]+$`, "u"), { expected: "text without control characters" })

const Text = Schema.String.check(isSafe)

const aName = { expected: "a name of 1 to 20 characters without blanks at its ends" }

/** The name of a member: 1 to 20 characters. */
export const Name = Schema.String.check(
  Schema.isNonEmpty(aName),
  isSafe,
  Schema.isMaxLength(20, aName),
  Schema.isTrimmed(aName),
)

export const ChatMessage = Schema.Struct({
  /** The endpoint id of the author. It is not proven: any member can write any id here. */
  author: EndpointId.EndpointId,
  /** In every message: a member that missed a greeting gets the name from the next message. */
  name: Name,
  /**
   * Counts the author's messages. Gossip drops content that it has seen in the last 90 s, also from another author; with the
   * number, a line that is typed twice arrives twice.
   */
  number: Schema.Int,
  act: Schema.TaggedUnion({
    /** The greeting of a newcomer. All members answer with their name. */
    Hello: {},
    /** The answer to a greeting, and a heartbeat. */
    Here: {},
    Said: { text: Text },
    Bye: {},
  }),
})
export type ChatMessage = typeof ChatMessage.Type

const Json = Schema.fromJsonString(ChatMessage)
const decodeOption = Schema.decodeUnknownOption(Json)

/** The text to broadcast. Throws if name or text are empty or contain characters that {@link cleaned} removes. */
export const encode: (message: ChatMessage) => string = Schema.encodeSync(Json)

/** The message of a text, or undefined if it is not a message of this chat. */
export const decode = (text: string | undefined): ChatMessage | undefined => Option.getOrUndefined(decodeOption(text))

const unsafe = new RegExp(`[${UNSAFE}]+`, "gu")

/** Typed or pasted text without unsafe characters. May be empty. */
export const cleaned = (text: string): string => text.replaceAll(unsafe, " ").trim()
