/** The options of the state of presence, and its outputs. Types only. */
import type { Entry } from "./Roster.ts"

/**
 * The actions of the caller, in order.
 *
 * @since 0.1.0
 * @category models
 */
export type PresenceOutput =
  | { readonly _tag: "Broadcast"; readonly note: Uint8Array }
  | { readonly _tag: "Whisper"; readonly peer: string; readonly bytes: Uint8Array }
  | { readonly _tag: "Joined" | "Updated" | "Left" | "Suspected" | "Lost"; readonly entry: Entry }
  /** Another process uses our key: we do not correct it any more. */
  | { readonly _tag: "KeyInUse" }

/**
 * Options of {@link PresenceState}. Ids are hex.
 *
 * @since 0.1.0
 * @category options
 */
export interface PresenceStateOptions {
  readonly self: string
  /** Numbers from 0 to 1. */
  readonly random: () => number
  /** ms since the Unix epoch, by the clock of this node. */
  readonly wall: () => number
  readonly sign: (kind: number, stamp: number, body: Uint8Array) => Uint8Array
  readonly verify: (note: Uint8Array) => boolean
  /** Whether this member is to be shown, and its notes are to be passed on. */
  readonly admits: (member: string) => boolean
  readonly state: Uint8Array
  readonly maxMembers?: number
}

/**
 * Whether a note goes on to others.
 *
 * @since 0.1.0
 * @category models
 */
export type NoteVerdict = "accept" | "ignore" | "reject"
