/** The command `monitor`: a node in a topic with a live page on loopback. It prints `ready URL`. */
import { trackerLayer } from "@topic-tracker/cli-kit/configFile"
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { bootstrap, dhtPort, port, relay } from "@topic-tracker/cli-kit/flags"
import { identityFileFlag } from "@topic-tracker/cli-kit/identityFile"
import { cacheFlag } from "@topic-tracker/cli-kit/nodeCache"
import { UsageError } from "@topic-tracker/cli-kit/runCommand"
import { readTopic, topicFlags } from "@topic-tracker/cli-kit/topic"
import { Topic, TrackerMetrics } from "@topic-tracker/core"
import { Monitor } from "@topic-tracker/monitor"
import { Config, Console, Effect, Layer, Option, Redacted } from "effect"
import { Command } from "effect/cli"
import { summaries } from "./summaries.ts"

/** The variable that turns the export of traces, metrics and logs on. Source: the specification of OpenTelemetry. */
const OTLP_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"

/** Effect's exporter, configured by the OTEL_… variables; nothing if there is none. */
const exporter = Layer.unwrap(
  Effect.gen(function* () {
    const endpoint = yield* Config.option(Config.String(OTLP_VARIABLE)).pipe(Effect.orElseSucceed(Option.none))
    if (Option.isNone(endpoint)) return Layer.empty
    // Loaded only when it is wanted.
    const [Otlp, { layerJson }, { layer }] = yield* Effect.promise(() =>
      Promise.all([
        import("effect/observability/Otlp"),
        import("effect/observability/OtlpSerialization"),
        import("effect/http/FetchHttpClient"),
      ]),
    )
    const resource = { serviceName: "topic-tracker" }
    return Otlp.layerFromConfig({ resource, loggerMergeWithExisting: true }).pipe(
      Layer.provide(Layer.merge(layer, layerJson)),
    )
  }),
)

export const monitorCommand = Command.make(
  "monitor",
  {
    ...topicFlags(),
    bootstrap,
    cache: cacheFlag,
    identityFile: identityFileFlag,
    relay,
    dhtPort,
    port: port("The TCP port of the page on 127.0.0.1; 0 takes any free one (default 8787)", 8787),
  },
  Effect.fn("monitor")(function* ({ bootstrap, cache, dhtPort, identityFile, port, relay, ...given }) {
    const { join } = yield* readTopic(given)
    const node = trackerLayer({ bootstrap, cache, identityFile, relay, dhtPort })
    const layer = Layer.merge(Monitor.layer({ port }), TrackerMetrics.layer()).pipe(
      Layer.provideMerge(node),
      Layer.provideMerge(Monitor.layerLog()),
      Layer.provideMerge(exporter),
    )
    yield* Effect.gen(function* () {
      yield* Topic.joinNoWait(join)
      const { url } = yield* Monitor
      yield* Console.log(`ready ${Redacted.value(url)}`)
      return yield* Effect.never
    }).pipe(
      Effect.scoped,
      Effect.provide(layer),
      Effect.mapError((error) => {
        const option =
          error._tag === "MonitorError"
            ? "--port: "
            : error._tag === "DhtError" && error.reason === "Bind"
              ? "--dht-port: "
              : ""
        return new UsageError({ message: `${option}${error.message}` })
      }),
    )
  }),
).pipe(
  Command.withDescription(
    "Run a node in a topic with a live page on this host; prints `ready URL`. The URL has a token: whoever has it sees the page.",
  ),
  Command.withShortDescription(summaries.monitor),
  withExamples(
    ["--topic crew --secret-file secret.txt", "Then open the URL that it prints"],
    ["--topic crew --secret-file secret.txt --port 0", "On any free port"],
  ),
)
