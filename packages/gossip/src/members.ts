/**
 * The state machines of members-only topics, without sockets, clock or Effect: for packages that build further protocols on them, and for
 * tests. Programs use the main entry.
 */
export {
  Acknowledgements,
  type AnswerPlan,
  answerExtension,
  answerOf,
  type LaterAnswer,
  MAX_ACKNOWLEDGING,
  readAnswer,
  wantedExtension,
} from "./members/Acknowledgements.ts"
export { type AuthorStream, Authors } from "./members/Authors.ts"
export { ChannelWriter, type ChannelWriterOptions, type Written } from "./members/ChannelWriter.ts"
export {
  ALLOW_MS,
  DOOR_MS,
  DoorAcceptor,
  type DoorAcceptorOptions,
  DoorDialler,
  type DoorFailure,
  type DoorOutput,
  type DoorTopic,
} from "./members/Door.ts"
export { DoorGuard } from "./members/DoorGuard.ts"
export { type AnswerOptions, type DoorEnd, Doors, type DoorsOptions } from "./members/Doors.ts"
export { EnvelopeStore, STORE_BYTES, STORE_MS } from "./members/EnvelopeStore.ts"
export { RENEW_MS } from "./members/MembersConnection.ts"
export type { DoorAnswer, MembersLine, MembersTransport } from "./members/MembersLine.ts"
export { MEMBERS_ALPN, MembersRouter } from "./members/MembersRouter.ts"
export { MAX_CONTENT_BYTES, MembersState } from "./members/MembersState.ts"
export { BAN_MS, NeighborScore, SHORT_BAN_MS } from "./members/NeighborScore.ts"
export { type MissingRange, PartAssembly } from "./members/PartAssembly.ts"
export { PartPace } from "./members/PartPace.ts"
export {
  MAX_PASSED_SEQS,
  type NeighborWant,
  PASS_MS,
  PassedWants,
  type PassedWantsOptions,
} from "./members/PassedWants.ts"
export type { NeighborOptions } from "./members/RepairServer.ts"
export { type ClaimOptions, type RepairAction, Repairs } from "./members/Repairs.ts"
export {
  decodeRepair,
  encodeRepair,
  MAX_REPAIR_BYTES,
  type RepairMessage,
  RepairReader,
  type SeqRange,
} from "./members/repairMessages.ts"
export { type OrderEvent, type StreamBlock, StreamOrder } from "./members/StreamOrder.ts"
export type {
  Admission,
  Judgement,
  MembersEvent,
  MembersStateOptions,
  MembersStats,
} from "./members/stateModel.ts"
export { type NotesHandler, type NoteVerdict, TopicNotes } from "./members/TopicNotes.ts"
