/** The command `monitor` as a program, on real sockets: its page shows paths and round trips, and metrics go to a collector. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import type { MonitorState } from "@topic-tracker/monitor"
import { Effect, Schedule } from "effect"
import { oneLine, run, start } from "./startCommand.ts"

const topic = Effect.map(DhtTestnet.make({ nodes: 20 }), ({ addresses }) => [
  ...["--topic", "crew", "--secret", "s", "--access", "members"],
  ...["--bootstrap", `127.0.0.1:${addresses[0]?.port}`],
])

/** Starts the command, and gives the address of its page. */
const startMonitor = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
) {
  const monitor = yield* start("monitor", [...args, "--port", "0"], { env })
  yield* monitor.prints("ready http://127.0.0.1:")
  return { monitor, url: new URL((yield* monitor.outSoFar).replace("ready ", "").trim()) }
})

/** `fetch` keeps its connection, and the server closes one that is idle for 5 s: a test that was slow asks again. */
const stateOf = (url: URL) =>
  Effect.tryPromise(async (): Promise<MonitorState> => {
    const response = await fetch(new URL(`/state${url.search}`, url))
    return (await response.json()) as MonitorState
  }).pipe(Effect.retry({ times: 5 }))

describe.concurrent("monitor", { timeout: 180_000 }, () => {
  it.live("a neighbour with its path and its round trip; SIGINT ends it with exit code 0", () =>
    Effect.gen(function* () {
      const args = yield* topic
      const { monitor, url } = yield* startMonitor(args)
      yield* start("node", args)
      const { topics } = yield* stateOf(url).pipe(
        Effect.repeat({
          until: ({ topics }) => topics[0]?.neighbors[0]?.path !== undefined,
          schedule: Schedule.spaced("100 millis"),
        }),
      )
      const path = topics[0]!.neighbors[0]!.path!
      assert.isFalse(path.isRelayed)
      assert.match(path.remoteAddress, /^(127\.0\.0\.1|\[::1\]):\d+$/)
      assert.isAtLeast(path.rttMs, 0)
      yield* monitor.signal("SIGINT")
      const { code, out } = yield* monitor.ended
      // Its log is on standard error: on a busy machine it has warnings.
      assert.deepStrictEqual([code, out], [0, `ready ${url}\n`])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("exports metrics to the collector of OTEL_EXPORTER_OTLP_ENDPOINT", () =>
    Effect.gen(function* () {
      const received = new Map<string, string>()
      const collector = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer((request, response) => {
            let body = ""
            request.on("data", (chunk) => {
              body += chunk
            })
            request.on("end", () => {
              received.set(request.url ?? "", body)
              response.writeHead(200).end()
            })
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close().closeAllConnections()),
      )
      const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
      yield* startMonitor(yield* topic, {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_METRIC_EXPORT_INTERVAL: "500",
        OTEL_METRICS_EXPORTER: "otlp",
      })
      yield* Effect.sync(() => received.get("/v1/metrics") ?? "").pipe(
        Effect.repeat({
          until: (body) => body.includes("topic_tracker_dht_nodes"),
          schedule: Schedule.spaced("100 millis"),
        }),
      )
      assert.include(received.get("/v1/metrics"), '"topic-tracker"')
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node --metrics: Prometheus reads them on loopback", () =>
    Effect.gen(function* () {
      const args = yield* topic
      const { url } = yield* startMonitor(args)
      // A port that was free a moment ago.
      const free = yield* Effect.callback<number>((resume) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          server.close(() => resume(Effect.succeed(port)))
        })
      })
      const node = yield* start("node", [...args, "--json", "--metrics", String(free)])
      yield* node.prints('"joined"')
      const at = (path: string) =>
        Effect.promise(async () => {
          const response = await fetch(`http://127.0.0.1:${free}${path}`)
          return [response.status, await response.text()] as const
        })
      const [status, text] = yield* at("/metrics")
      assert.strictEqual(status, 200)
      assert.match(text, /^topic_tracker_gossip_connections [1-9]/m)
      assert.strictEqual((yield* at("/"))[0], 404)

      const taken = yield* run("node", [...args, "--metrics", url.port])
      assert.include(taken.err, `--metrics: TCP port ${url.port} is in use on 127.0.0.1`)
      assert.strictEqual(taken.code, 2)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("a port in use is a wrong argument", () =>
    Effect.gen(function* () {
      const args = yield* topic
      const { url } = yield* startMonitor(args)
      const { code, err, out } = yield* run("monitor", [...args, "--port", url.port])
      assert.include(err, `--port: TCP port ${url.port} is in use on 127.0.0.1`)
      assert.isTrue(oneLine(err), err)
      assert.deepStrictEqual([code, out], [2, ""])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
