/** The metrics of this process on loopback, for Prometheus. */
import { Effect, Layer } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { serveSite } from "./httpServer.ts"
import { MonitorError } from "./MonitorError.ts"

const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" }

/** Serves `/metrics` until the layer ends. Figures only, so it asks for no token. */
export const layerMetrics = ({ port }: { readonly port: number }): Layer.Layer<never, MonitorError> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const run = Effect.runPromiseWith(yield* Effect.context())
      yield* serveSite(port, {
        headers: HEADERS,
        refuse: (_, { pathname }) => (pathname === "/metrics" ? undefined : [404, "the metrics are at /metrics"]),
        answer: async (_, response) => {
          const text = await run(PrometheusMetrics.format())
          response.writeHead(200, { ...HEADERS, "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text)
        },
      }).pipe(Effect.mapError((message) => new MonitorError({ message })))
    }),
  )
