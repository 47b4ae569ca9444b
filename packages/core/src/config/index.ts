export { describe, markdownTable, type OptionDescription } from "./describe.ts"
export type { HostPort } from "./option.ts"
export * from "./TopicConfig.ts"
