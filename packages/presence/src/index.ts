export * as Presence from "./Presence.ts"
export { PresenceError } from "./PresenceError.ts"
