/**
 * Spans and log annotations of topics, with attributes after OpenTelemetry's conventions for messaging. The number of different values is
 * bounded by the number of topics: no peer, message or secret is among them.
 */
import type { TopicId } from "@topic-tracker/crypto"
import { Clock, Effect } from "effect"

/** The length in hex digits of a topic id in spans and logs: enough to distinguish topics. */
const SHORT_ID_LENGTH = 12

type Attributes = Readonly<Record<string, string | number>>

/** The attributes of every span about the topic. */
export const topicAttributes = (topic: TopicId): Attributes => ({
  "messaging.system": "topic_tracker",
  "messaging.destination.name": topic.hex.slice(0, SHORT_ID_LENGTH),
})

/** The annotations of log lines about the topic. */
export const logAnnotations = (topic: TopicId): Readonly<Record<string, string>> => ({
  package: "@topic-tracker/core",
  topic: topic.hex.slice(0, SHORT_ID_LENGTH),
})

/** Spans need no stack trace: a name is used in one place only. */
const NO_STACK_TRACE = { captureStackTrace: false } as const

/** Runs the effect in a span about the topic. */
export const withTopicSpan = (name: string, topic: TopicId, attributes?: Attributes) =>
  Effect.withSpan(name, { attributes: { ...topicAttributes(topic), ...attributes } }, NO_STACK_TRACE)

/**
 * Like {@link withTopicSpan}, for what a topic does by itself. The span has no parent: the span of a join or resume, in which the fiber was
 * forked, has long ended.
 */
export const withBackgroundSpan = (name: string, topic: TopicId, attributes?: Attributes) =>
  Effect.withSpan(name, { root: true, attributes: { ...topicAttributes(topic), ...attributes } }, NO_STACK_TRACE)

/** The number of sends of one topic that get a span in a second. A span costs some 4 µs, a message some 30 µs. */
const MAX_SEND_SPANS_PER_SECOND = 500

/** Makes the spans of a topic's sends. Their number is limited, so that tracing costs a busy topic less than 1 % of its throughput. */
export class SendSpans {
  readonly #attributes: Attributes
  #secondEndsAt = Number.NEGATIVE_INFINITY
  #left = 0

  constructor(topic: TopicId) {
    this.#attributes = topicAttributes(topic)
  }

  /** Runs a send in a span if the program has a tracer, the span around it, if any, is sampled, and the limit is not reached. */
  wrap<A, E, R>(name: string, bytes: number, send: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.withFiber((fiber) => {
      const { span, tracer, tracerEnabled } = fiber.cache
      if (tracer === undefined || !tracerEnabled || span?.sampled === false) return send
      if (!this.#take(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())) return send
      const attributes = { ...this.#attributes, "messaging.message.body.size": bytes }
      return Effect.useSpan(name, { kind: "producer", attributes }, () => send)
    })
  }

  #take(now: number): boolean {
    // A new second, or the clock was set back.
    if (now >= this.#secondEndsAt || now < this.#secondEndsAt - 1_000) {
      this.#secondEndsAt = now + 1_000
      this.#left = MAX_SEND_SPANS_PER_SECOND
    }
    return this.#left-- > 0
  }
}
