export { ContentHash } from "./ContentHash.ts"
export type { ShareLimitsInput } from "./limits.ts"
export type {
  FetchEvent,
  FetchOptions,
  ShareContentOptions,
  SharedContent,
  ShareOptions,
  ShareService,
  ShareSource,
  ShareStats,
} from "./model.ts"
export { Share, type ShareTopic } from "./Share.ts"
export { ShareError, type ShareErrorReason } from "./ShareError.ts"
export type { ShareStorageService } from "./storage/model.ts"
export { ShareStorage } from "./storage/ShareStorage.ts"
