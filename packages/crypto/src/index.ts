export { Crypto } from "./Crypto.ts"
export { type CryptoService, OpenError, SealError, type SigningKey } from "./CryptoService.ts"
export * as EncryptedRecord from "./EncryptedRecord.ts"
export * as EndpointId from "./EndpointId.ts"
export { GossipRecordContent } from "./GossipRecordContent.ts"
export { messageHash } from "./hash.ts"
export { Identity } from "./Identity.ts"
export type { Generation } from "./members/SecretRing.ts"
export * as Record from "./Record.ts"
export {
  ClockBeforeEpoch,
  RecordContentInvalid,
  RecordMalformed,
  RecordRejected,
  RecordTooLarge,
} from "./RecordError.ts"
export { type DhtKeys, RecordKeys, unixMinute } from "./RecordKeys.ts"
export { initialSecretHash, type RotationInput, SecretRotation } from "./SecretRotation.ts"
export { TopicId } from "./TopicId.ts"
export { SecretRingError, TopicSecrets } from "./TopicSecrets.ts"
