/**
 * The cryptography of members-only topics: keys, door, envelopes, secrets over time. Not yet part of the package's main entry: the
 * topics that use it are not complete.
 */
export {
  checkHeader,
  type EnvelopeStep,
  type OpenedEnvelope,
  openEnvelope,
  type Verdict,
} from "./members/checkEnvelope.ts"
export * as Door from "./members/doorMessages.ts"
export * as Envelope from "./members/Envelope.ts"
export { EpochWindow, type EpochWindowOptions, MAX_PULL } from "./members/EpochWindow.ts"
export { inviteChecksum } from "./members/inviteChecksum.ts"
export { type ChannelMode, EpochKeys, MAX_CHANNEL_NAME_BYTES, MembersKeys, modeNumber } from "./members/MembersKeys.ts"
export * as Note from "./members/Note.ts"
export type { Contents } from "./members/plaintext.ts"
export * as Plaintext from "./members/plaintext.ts"
export { type Generation, MAX_GENERATIONS, SecretRing } from "./members/SecretRing.ts"
