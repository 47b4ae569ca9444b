/** The monitor of a node in memory: what it shows, and whom it lets in. */
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Topic, type TopicTracker, TrackerMetrics } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Presence } from "@topic-tracker/presence"
import { Effect, Layer, Logger, Redacted, Schedule, Schema, type Scope } from "effect"
import { Monitor, type MonitorService, type MonitorState } from "../src/index.ts"

/** A node with a monitor on a free port, and another node, both in the topic "crew". */
const watched = Effect.fnUntraced(function* <A, E>(
  use: (monitor: MonitorService) => Effect.Effect<A, E, Scope.Scope | TopicTracker>,
  access: "open" | "members" = "open",
) {
  const world = yield* MemoryWorld.make()
  const join = Topic.joinNoWait({ topic: "crew", secret: "s", access })
  yield* Effect.forkScoped(
    Effect.andThen(join, Effect.never).pipe(Effect.scoped, Effect.provide(MemoryWorld.layer(world))),
  )
  return yield* Effect.gen(function* () {
    yield* join
    return yield* use(yield* Monitor)
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.merge(Monitor.layer({ port: 0 }), TrackerMetrics.layer()).pipe(
        Layer.provideMerge(MemoryWorld.layer(world)),
      ),
    ),
  )
}, Effect.scoped)

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** `fetch` sets the header `host` itself. */
const get = (url: string, options: { method?: string; headers?: Record<string, string> } = {}) =>
  Effect.callback<Answer>((resume) => {
    const sent = request(url, options, (response) => {
      let body = ""
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode, headers: response.headers, body })))
    })
    sent.end()
  })

const joined = ({ state }: MonitorService) =>
  state.pipe(
    Effect.repeat({
      until: ({ samples, topics }) => topics[0]?.joinedMs !== undefined && samples.length > 0,
      schedule: Schedule.spaced("20 millis"),
    }),
  )

describe("Monitor", () => {
  it.live.each(["open", "members"] as const)("shows the topic, its neighbour and how it joined (%s)", (access) =>
    watched(
      Effect.fnUntraced(function* (monitor) {
        const { endpointId, gossip, topics } = yield* joined(monitor)
        const [topic] = topics
        assert.strictEqual(topic?.access, access)
        assert.lengthOf(topic!.neighbors, 1)
        assert.notStrictEqual(topic!.neighbors[0]!.peer, endpointId)
        assert.match(
          topic!.timeline.map(({ text }) => text).join("\n"),
          /searches for a neighbour[\s\S]*joined [0-9a-f]{8}…/,
        )
        assert.isAbove(topic!.joinedMs!, -1)
        assert.isAbove(gossip.messagesIn!, 0)
        assert.strictEqual(topic!.name, "crew")
        assert.isUndefined(topic!.members, "there is no presence")
        assert.strictEqual(gossip.topics, 1)
      }),
      access,
    ),
  )

  it.live("only with the token, only under its own name, only to read", () =>
    watched(
      Effect.fnUntraced(function* ({ metricsUrl, url }) {
        const page = Redacted.value(url)
        const { body, headers, status } = yield* get(page)
        assert.strictEqual(status, 200)
        assert.include(body, "<title>topic-tracker monitor</title>")
        assert.include(String(headers["content-security-policy"]), "default-src 'none'")
        assert.strictEqual(headers["cache-control"], "no-store")
        assert.match(page, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{24}$/)

        const withoutToken = page.replace(/\?.*/, "")
        const statusOf = (address: string, options?: Parameters<typeof get>[1]) =>
          Effect.map(get(address, options), (answer) => answer.status)
        assert.strictEqual(yield* statusOf(withoutToken), 403)
        assert.strictEqual(yield* statusOf(`${page}x`), 403)
        assert.strictEqual(yield* statusOf(page, { headers: { host: "evil.example" } }), 421)
        for (const method of ["POST", "PUT", "DELETE"]) assert.strictEqual(yield* statusOf(page, { method }), 405)
        assert.strictEqual(yield* statusOf(page.replace("/?", "/../secret?")), 404)
        // Prometheus sends its token in a header.
        const metrics = Redacted.value(metricsUrl)
        const bearer = { headers: { authorization: `Bearer ${metrics.split("=")[1]}` } }
        const { body: text } = yield* get(metrics.replace(/\?.*/, ""), bearer)
        assert.include(text, "# TYPE topic_tracker_gossip_messages_in counter")
      }),
    ),
  )

  it.live("a page gets the whole state first, and then the last second only", () =>
    watched(
      Effect.fnUntraced(function* (monitor) {
        yield* joined(monitor)
        const address = Redacted.value(monitor.url).replace("/?", "/events?")
        const events = yield* Effect.promise(async () => {
          const response = await fetch(address)
          let text = ""
          for await (const chunk of response.body!) {
            text += Buffer.from(chunk).toString()
            if (text.split("\n\n").length > 2) break
          }
          return text
            .split("\n\n")
            .slice(0, 2)
            .map((event) => JSON.parse(event.replace(/^data: /, "")))
        })
        assert.isAbove(events[1].now, events[0].now)
        assert.lengthOf(events[1].samples, 1)
        assert.lengthOf(events[1].topics[0].neighbors, 1)
        assert.isAtLeast(events[0].samples.length, 1)
      }),
    ),
  )

  it.live("a page gets one topic whole: the one that it asks for, or the first; and the names of all", () =>
    watched(
      Effect.fnUntraced(function* ({ url }) {
        const second = yield* Topic.joinNoWait({ topic: "second", secret: "s" })
        const topicsOf = (query: string) =>
          Effect.promise(async () => {
            const stop = new AbortController()
            const response = await fetch(Redacted.value(url).replace("/?", "/events?") + query, { signal: stop.signal })
            let text = ""
            for await (const chunk of response.body!) {
              text += Buffer.from(chunk).toString()
              if (text.includes("\n\n")) break
            }
            stop.abort()
            const { topics } = JSON.parse(text.split("\n\n")[0]!.replace(/^data: /, "")) as MonitorState
            return topics.map(({ name, neighbors }) => [name, neighbors !== undefined])
          })
        const first = [
          ["crew", true],
          ["second", false],
        ]
        assert.deepStrictEqual(yield* topicsOf(""), first)
        assert.deepStrictEqual(yield* topicsOf("&topic=0123"), first)
        assert.deepStrictEqual(yield* topicsOf(`&topic=${second.id.hex}`), [
          ["crew", false],
          ["second", true],
        ])
      }),
    ),
  )

  it.live("pages beyond eight are refused", () =>
    watched(
      Effect.fnUntraced(function* ({ url }) {
        const address = Redacted.value(url).replace("/?", "/events?")
        const stop = new AbortController()
        const open = () => Effect.promise(async () => (await fetch(address, { signal: stop.signal })).status)
        const statuses = yield* Effect.all(Array.from({ length: 9 }, open))
        stop.abort()
        assert.deepStrictEqual(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 503])
      }),
    ),
  )

  it.live("shows the log of the program above it, and of the node if layerLog is below", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const node = Layer.effectDiscard(Effect.logWarning("of the node")).pipe(
        Layer.provideMerge(MemoryWorld.layer(world)),
      )
      const lines = Effect.gen(function* () {
        yield* Effect.logInfo("of the program")
        const { log } = yield* (yield* Monitor).state
        return log.map(({ level, text }) => `${level}: ${text}`)
      })
      const monitor = Monitor.layer({ port: 0 }).pipe(Layer.provideMerge(node))
      assert.deepStrictEqual(yield* Effect.provide(lines, monitor), ["info: of the program"])
      const both = yield* Effect.provide(lines, Layer.provideMerge(monitor, Monitor.layerLog()))
      assert.deepStrictEqual(both, ["bad: of the node", "info: of the program"])
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
  )

  it.live("knows a topic at once, and its members if the program has a presence", () =>
    Effect.gen(function* () {
      const world = yield* MemoryWorld.make()
      const layer = Monitor.layer({ port: 0 }).pipe(Layer.provideMerge(MemoryWorld.layer(world)))
      yield* Effect.gen(function* () {
        const { state } = yield* Monitor
        const topic = yield* Topic.joinNoWait({ topic: "crew", secret: "s", access: "members" })
        // Nothing waits for the next sample.
        yield* Effect.repeat(state, { until: ({ topics }) => topics[0]?.timeline[0] !== undefined })
        const schema = Schema.Struct({ at: Schema.Date })
        yield* Presence.make(topic, { schema, state: { at: new Date(0) } })
        const { endpointId, topics } = yield* state
        const [member] = topics[0]!.members!.first
        assert.strictEqual(member?.id as string, endpointId)
        assert.deepInclude(topics[0]!.members, { count: 1, suspected: 0 })
        assert.deepInclude(member, { suspected: false, state: '{"at":"1970-01-01T00:00:00.000Z"}' })
        const { changes } = (yield* Effect.repeat(state, {
          until: ({ topics }) => topics[0]!.members!.changes.length > 0,
          schedule: Schedule.spaced("20 millis"),
        })).topics[0]!.members!
        assert.strictEqual(changes[0]?.text, "1 is here")
      }).pipe(Effect.scoped, Effect.provide(layer))
    }).pipe(Effect.scoped),
  )

  it.live("a port in use is an error that names it", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const made = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.sync(() => made.close()),
      )
      const { port } = server.address() as AddressInfo
      const world = yield* MemoryWorld.make()
      const layer = Monitor.layer({ port }).pipe(Layer.provideMerge(MemoryWorld.layer(world)))
      const error = yield* Effect.flip(Effect.provide(Monitor, layer))
      assert.strictEqual(error.message, `TCP port ${port} is in use on 127.0.0.1`)
    }).pipe(Effect.scoped),
  )
})
