/**
 * The spans of gets, puts and lookups, with attributes after OpenTelemetry's conventions (`rpc.system.name`, `rpc.method`,
 * `error.type`). A lookup runs outside of fibers and may serve several calls, so its span is started by hand, as the child of the
 * call that began it. Without a tracing backend a get has no span and costs one comparison.
 */
import { Bytes } from "@topic-tracker/common"
import { type Clock, Context, Effect, Exit, Option, Scope, Tracer } from "effect"
import type { DhtError } from "./DhtError.ts"

/** Attributes of a query method and a target. The target has no bound: it belongs on spans, never on metrics. */
export const callAttributes = (method: string, target: Uint8Array): Record<string, unknown> => ({
  "rpc.system.name": "krpc",
  "rpc.method": method,
  "topic_tracker.dht.target": Bytes.toHex(target),
})

/** The end of a lookup, for its span. */
export interface LookupEnd {
  /** The number of nodes that were asked, and of those that answered. */
  readonly asked: number
  readonly answered: number
  readonly items: number
}

/** The span of a call, and what is needed to start the spans of its lookups. */
export class CallTrace {
  readonly #tracer: Tracer.Tracer
  readonly #span: Tracer.Span
  readonly #clock: Clock.Clock

  constructor(tracer: Tracer.Tracer, span: Tracer.Span, clock: Clock.Clock) {
    this.#tracer = tracer
    this.#span = span
    this.#clock = clock
  }

  /** Starts the span of a lookup. The returned function ends it. */
  startLookup(method: string, target: Uint8Array): (end: LookupEnd) => void {
    const span = this.#tracer.span({
      name: "Dht.lookup",
      parent: Option.some(this.#span),
      annotations: Context.empty(),
      links: [],
      startTime: this.#clock.currentTimeNanosUnsafe(),
      kind: "client",
      root: false,
      sampled: this.#span.sampled,
    })
    for (const [name, value] of Object.entries(callAttributes(method, target))) span.attribute(name, value)
    return ({ asked, answered, items }) => {
      span.attribute("topic_tracker.dht.nodes_asked", asked)
      span.attribute("topic_tracker.dht.nodes_answered", answered)
      span.attribute("topic_tracker.dht.items", items)
      span.end(this.#clock.currentTimeNanosUnsafe(), Exit.void)
    }
  }
}

const traceOf = (tracer: Tracer.Tracer, span: Tracer.Span, clock: Clock.Clock): CallTrace | undefined =>
  Context.get(span.annotations, Tracer.DisablePropagation) ? undefined : new CallTrace(tracer, span, clock)

/** Starts the span of a get, which ends with the scope; undefined without a tracing backend. */
export const traceGet = (
  target: Uint8Array,
  scope: Scope.Scope,
  clock: Clock.Clock,
): Effect.Effect<CallTrace | undefined> =>
  Effect.flatMap(Effect.tracer, (tracer) => {
    if (tracer === Tracer.nativeTracer) return Effect.undefined
    const span = Effect.makeSpanScoped("Dht.get", { kind: "client", attributes: callAttributes("get", target) })
    return Effect.map(Scope.provide(span, scope), (started) => traceOf(tracer, started, clock))
  })

/** The current span, as the parent of lookups; undefined without a tracing backend. */
export const currentTrace = (clock: Clock.Clock): Effect.Effect<CallTrace | undefined> =>
  Effect.flatMap(Effect.tracer, (tracer) => {
    if (tracer === Tracer.nativeTracer) return Effect.undefined
    return Effect.map(Effect.option(Effect.currentSpan), (span) =>
      Option.isSome(span) ? traceOf(tracer, span.value, clock) : undefined,
    )
  })

/** Puts the reason of a failure on the current span. */
export const annotateError = ({ reason }: DhtError): Effect.Effect<void> =>
  Effect.annotateCurrentSpan({ "error.type": reason })
