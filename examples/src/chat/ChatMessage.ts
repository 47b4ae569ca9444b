/**
 * What members of a chat send each other: JSON, described by a Schema that is also the check of what strangers send. Whatever
 * does not fit is no message of this chat and is dropped.
 */
import { EndpointId } from "@topic-tracker/crypto"
import { Option, Schema } from "effect"

/** Characters that can move a terminal's cursor, or worse, and those that turn the direction of what follows. */
const UNFIT = "\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069"

const isFit = Schema.isPattern(new RegExp(`^[^${UNFIT}]+$`, "u"), { expected: "text without control characters" })

const Text = Schema.String.check(isFit)

const aName = { expected: "a name of 1 to 20 characters without blanks at its ends" }

/** What a member is called: 1 to 20 characters. */
export const Name = Schema.String.check(
  Schema.isNonEmpty(aName),
  isFit,
  Schema.isMaxLength(20, aName),
  Schema.isTrimmed(aName),
)

export const ChatMessage = Schema.Struct({
  /** The endpoint id of whoever wrote it. Nobody proves it: any member can write in another's name. */
  author: EndpointId.EndpointId,
  /** In every message: whoever missed a greeting learns the name from the next line. */
  name: Name,
  /**
   * Counts the author's messages. Gossip drops content that it has seen within the last 90 s; with this in it, a line that is
   * written twice arrives twice.
   */
  number: Schema.Int,
  act: Schema.TaggedUnion({
    /** A newcomer greets, and asks everybody to say who they are. */
    Hello: {},
    /** I am here: the answer to a greeting, and now and then a sign of life. */
    Here: {},
    Said: { text: Text },
    Bye: {},
  }),
})
export type ChatMessage = typeof ChatMessage.Type

const Json = Schema.fromJsonString(ChatMessage)
const decodeOption = Schema.decodeUnknownOption(Json)

/** The text to broadcast. Throws when name or text hold what {@link cleaned} takes out, or nothing. */
export const encode: (message: ChatMessage) => string = Schema.encodeSync(Json)

/** The message that a text stands for, or undefined. */
export const decode = (text: string | undefined): ChatMessage | undefined => Option.getOrUndefined(decodeOption(text))

const unfit = new RegExp(`[${UNFIT}]+`, "gu")

/** Text as a person typed or pasted it, made fit to be sent; it may be empty then. */
export const cleaned = (text: string): string => text.replaceAll(unfit, " ").trim()
