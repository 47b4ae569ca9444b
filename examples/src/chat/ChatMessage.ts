/**
 * The values that the members of the chat send: lines in a channel, which says who wrote a line, in which order, and each once; and their names, as
 * their presence. The Schemas check what others send: what does not match is not delivered.
 */
import { Schema } from "effect"

/** Control characters, which can move the cursor of a terminal or do worse, and those that change the direction of text. */
const UNSAFE = "\\p{Cc}\\u2028-\\u202e\\u2066-\\u2069"

const isSafe = Schema.isPattern(new RegExp(`^[^${UNSAFE}]+$`, "u"), { expected: "text without control characters" })

/** The longest line, in UTF-16 code units. A channel takes more, but nobody wants that on a screen. */
export const MAX_LINE = 4_000

const aName = { expected: "a name of 1 to 20 characters without blanks at its ends" }

/** The name of a member: 1 to 20 characters. */
export const Name = Schema.String.check(
  Schema.isNonEmpty(aName),
  isSafe,
  Schema.isMaxLength(20, aName),
  Schema.isTrimmed(aName),
)

/** A line, with the name of its author: a line can come before the presence of its author. */
export const ChatMessage = Schema.Struct({
  name: Name,
  text: Schema.String.check(isSafe, Schema.isMaxLength(MAX_LINE)),
})
export type ChatMessage = typeof ChatMessage.Type

/** The state that a member tells about itself. */
export const ChatMember = Schema.Struct({ name: Name })

const unsafe = new RegExp(`[${UNSAFE}]+`, "gu")

/** Typed or pasted text without unsafe characters. May be empty. */
export const cleaned = (text: string): string => text.replaceAll(unsafe, " ").trim()
