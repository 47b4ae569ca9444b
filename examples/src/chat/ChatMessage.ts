/**
 * The messages of the chat: what its channel carries. The channel says who wrote a message, in which order, and each once. The Schema checks
 * what others send: a message that does not match is not delivered.
 */
import { Schema } from "effect"

/** Control characters, which can move the cursor of a terminal or do worse, and those that change the direction of text. */
const UNSAFE = "\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069"

const isSafe = Schema.isPattern(new RegExp(`^[^${UNSAFE}]+$`, "u"), { expected: "text without control characters" })

/** The longest line, in UTF-16 code units. A channel takes more, but nobody wants that on a screen. */
export const MAX_LINE = 4_000

const Text = Schema.String.check(isSafe, Schema.isMaxLength(MAX_LINE))

const aName = { expected: "a name of 1 to 20 characters without blanks at its ends" }

/** The name of a member: 1 to 20 characters. */
export const Name = Schema.String.check(
  Schema.isNonEmpty(aName),
  isSafe,
  Schema.isMaxLength(20, aName),
  Schema.isTrimmed(aName),
)

export const ChatMessage = Schema.Struct({
  /** In every message, so that nobody has to remember who is who. */
  name: Name,
  act: Schema.TaggedUnion({
    /** The greeting of a newcomer. All members answer. */
    Hello: {},
    /** The answer to a greeting, and a heartbeat. */
    Here: {},
    Said: { text: Text },
    Bye: {},
  }),
})
export type ChatMessage = typeof ChatMessage.Type

const unsafe = new RegExp(`[${UNSAFE}]+`, "gu")

/** Typed or pasted text without unsafe characters. May be empty. */
export const cleaned = (text: string): string => text.replaceAll(unsafe, " ").trim()
