/** Presence without Effect, gossip and clock, for simulations: entry `@topic-tracker/presence/stateMachine`. */
export * as PresenceLimits from "./state/limits.ts"
export type { PresenceStats } from "./state/NoteChecks.ts"
export { NoteKind } from "./state/notes.ts"
export type { NoteVerdict, PresenceOutput, PresenceStateOptions } from "./state/options.ts"
export { PresenceState } from "./state/PresenceState.ts"
export type { Entry } from "./state/Roster.ts"
