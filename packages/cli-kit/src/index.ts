/** Shared parts of the repository's command-line programs. Programs that must start fast import the modules by subpath. */
export { CONFIG_VARIABLE, type GivenNode, nodeConfig, trackerLayer } from "./configFile.ts"
export { INTERRUPTED, withSystemSignals } from "./endSignals.ts"
export { CommandFailed, UsageError } from "./errors.ts"
export { withExamples } from "./examples.ts"
export * as Flags from "./flags.ts"
export { CACHE_VARIABLE, cacheFlag, type NodeCacheOptions, withNodeCache } from "./nodeCache.ts"
export { type QrCodeOptions, qrCode, type StdoutQrCode, stdoutQrCode } from "./qrCode.ts"
export { runCommand } from "./runCommand.ts"
export { type GivenSecret, readSecret, SECRET_VARIABLE, secretFlags } from "./secret.ts"
export { type TextTableOptions, textTable } from "./textTable.ts"
export {
  type Access,
  accessFlag,
  type GivenTopic,
  type ReadTopic,
  readTopic,
  type TopicDefaults,
  topicFlags,
} from "./topic.ts"
