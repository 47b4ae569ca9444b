export * as TopicConfig from "./config/TopicConfig.ts"
export * as RecordPublisher from "./records/RecordPublisher.ts"
