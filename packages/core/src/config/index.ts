export { describe, markdownTable, type OptionDescription } from "./describe.ts"
export { dhtOptions, isLoopbackOnly } from "./dhtOptions.ts"
export * from "./TopicConfig.ts"
