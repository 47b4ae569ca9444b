/**
 * The attributes of this package's spans and log lines, after OpenTelemetry's conventions for messaging. Their number of different values
 * is bounded by the number of topics: no peer, message or secret is among them.
 */
import type { TopicId } from "@topic-tracker/crypto"

/** The length in hex digits of a topic id in spans and logs: enough to tell topics apart. */
const SHORT_ID_LENGTH = 12

/** The beginning of the topic's id. */
export const shortId = (topic: TopicId): string => topic.hex.slice(0, SHORT_ID_LENGTH)

/** Options of a span about this topic. */
export const spanOptions = (topic: TopicId, attributes: Readonly<Record<string, string | number>> = {}) => ({
  attributes: {
    "messaging.system": "topic_tracker",
    "messaging.destination.name": shortId(topic),
    ...attributes,
  },
})

/** Annotations of log lines about this topic. */
export const logAnnotations = (topic: TopicId) => ({ package: "@topic-tracker/core", topic: shortId(topic) })
