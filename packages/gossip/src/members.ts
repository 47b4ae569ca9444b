/**
 * The state machines of members-only topics, without sockets, clock or Effect. Not yet part of the package's main entry: the topics
 * that use them are not complete.
 */
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
export { Proofs, RENEW_MS } from "./members/Proofs.ts"
