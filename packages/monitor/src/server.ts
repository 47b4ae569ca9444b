/** The server of the page: only with the token, and a stream of the state for each page that is open. */
import { randomBytes, timingSafeEqual } from "node:crypto"
import { readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createRequire } from "node:module"
import { Effect } from "effect"
import { type Refusal, serveSite } from "./httpServer.ts"
import type { MonitorState } from "./MonitorState.ts"
import { html } from "./page/html.ts"
import { script } from "./page/script.ts"
import { style } from "./page/style.ts"

export interface ServeOptions {
  readonly port: number
  readonly state: Effect.Effect<MonitorState>
  readonly metrics: Effect.Effect<string>
}

/** Pages that are open at a time. */
const MAX_STREAMS = 8
const UPDATE_MS = 1_000
/** A page that has not read so much is dropped. */
const MAX_UNREAD_BYTES = 4_000_000

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
}

/** The chart library of the simulator's reports. The bundle of `topic-tracker` has another path in this place. */
const chartLibrary = (): string =>
  readFileSync(createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js"), "utf8")

/** Serves until the scope closes. Fails with a sentence that names the port. */
export const servePage = Effect.fnUntraced(function* ({ metrics, port, state }: ServeOptions) {
  const run = Effect.runPromiseWith(yield* Effect.context())
  const token = randomBytes(18).toString("base64url")
  /** The pages that are open, each with the id of the topic that it shows; an empty one for the first topic. */
  const streams = new Map<ServerResponse, string>()
  let charts: string | undefined

  /** What is at each path, with its type. */
  const documents: Readonly<Record<string, readonly [type: string, body: () => string | Promise<string>]>> = {
    "/": ["text/html", () => html(token)],
    "/script.js": ["text/javascript", () => script],
    "/style.css": ["text/css", () => style],
    "/charts.js": [
      "text/javascript",
      () => {
        charts ??= chartLibrary()
        return charts
      },
    ],
    "/state": ["application/json", async () => JSON.stringify(await run(state))],
    "/metrics": ["text/plain; version=0.0.4", () => run(metrics)],
  }

  const sendDocument = async (path: string, response: ServerResponse): Promise<void> => {
    const [type, body] = documents[path]!
    const text = await body()
    response.writeHead(200, { ...HEADERS, "content-type": `${type}; charset=utf-8` }).end(text)
  }

  const openStream = async (topic: string, response: ServerResponse): Promise<void> => {
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" })
    streams.set(response, topic)
    response.once("close", () => streams.delete(response))
    response.write(`data: ${JSON.stringify(showing(await run(state), topic))}\n\n`)
  }

  /** Sends all pages what is new: all but the samples before the last one, which they have. */
  const update = Effect.gen(function* () {
    if (streams.size === 0) return
    const current = yield* state
    const recent = { ...current, samples: current.samples.slice(-1) }
    const data = new Map<string, string>()
    for (const [stream, topic] of streams) {
      const event = data.get(topic) ?? `data: ${JSON.stringify(showing(recent, topic))}\n\n`
      data.set(topic, event)
      if (!stream.write(event) && stream.writableLength > MAX_UNREAD_BYTES) stream.destroy()
    }
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(update, UPDATE_MS)))

  const base = yield* serveSite(port, {
    headers: HEADERS,
    refuse: (request, url): Refusal | undefined => {
      if (!isToken(tokenOf(request, url), token)) return [403, "the token is missing or wrong"]
      if (url.pathname === "/events") return streams.size < MAX_STREAMS ? undefined : [503, "too many pages are open"]
      return Object.hasOwn(documents, url.pathname) ? undefined : [404, "there is nothing here"]
    },
    answer: ({ pathname, searchParams }, response) =>
      pathname === "/events" ? openStream(searchParams.get("topic") ?? "", response) : sendDocument(pathname, response),
  })
  return { url: `${base}/?token=${token}`, metricsUrl: `${base}/metrics?token=${token}` }
})

/** The state for a page that shows this topic, or the first one: of the others it needs the names. With many topics the rest is megabytes a second. */
const showing = (state: MonitorState, topic: string) => {
  const shown = state.topics.find(({ id }) => id === topic) ?? state.topics[0]
  return {
    ...state,
    topics: state.topics.map((each) => (each === shown ? each : { id: each.id, name: each.name, access: each.access })),
  }
}

/** In the URL, or as a bearer token, as Prometheus sends it. */
const tokenOf = (request: IncomingMessage, url: URL): string =>
  /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? url.searchParams.get("token") ?? ""

const isToken = (given: string, token: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
