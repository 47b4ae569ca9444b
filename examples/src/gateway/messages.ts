/**
 * The messages between a page and its gateway, as JSON. The gateway sends lists of {@link ToPage} and waits for `Read` after each: a page that
 * stopped reading costs no memory. The page checks nothing, since it trusts its gateway; the gateway checks everything.
 */
import { Schema } from "effect"
import { MAX_LINE, Name } from "../chat/ChatMessage.ts"

const Id = Schema.String

/** A member of the room. */
export const PageMember = Schema.Struct({ id: Id, name: Schema.String })
export type PageMember = typeof PageMember.Type

/** What a page is told. */
export const ToPage = Schema.Union([
  /** First of all: the gateway is the member as which the page speaks. */
  Schema.TaggedStruct("Welcome", { gateway: Id, topic: Schema.String }),
  /** All members, after each change. */
  Schema.TaggedStruct("Members", { members: Schema.Array(PageMember) }),
  /** A line. Lines of pages have the gateway as author, so their names are not proven. */
  Schema.TaggedStruct("Said", { author: Id, name: Schema.String, text: Schema.String }),
  Schema.TaggedStruct("Notice", { text: Schema.String }),
])
export type ToPage = typeof ToPage.Type

/** What a page says. */
export const FromPage = Schema.Union([
  Schema.TaggedStruct("Say", { name: Name, text: Schema.String.check(Schema.isMaxLength(MAX_LINE)) }),
  /** The last list was shown. */
  Schema.TaggedStruct("Read", {}),
])
export type FromPage = typeof FromPage.Type

export const encodeToPage = Schema.encodeSync(Schema.fromJsonString(Schema.Array(ToPage)))
export const decodeFromPage = Schema.decodeUnknownEffect(Schema.fromJsonString(FromPage))
