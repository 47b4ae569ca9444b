/**
 * The HTTP and WebSocket server of the gateway: the page, the list of members as JSON, and a WebSocket for each open page.
 */
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { TokenBucket } from "@topic-tracker/common"
import { Clock, Effect, Latch, Layer, type Redacted, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Socket } from "effect/socket"
import { layerGuard, withToken } from "./guard.ts"
import { decodeFromPage, encodeToPage, type ToPage } from "./messages.ts"
import { Pages } from "./Pages.ts"

/** Pages at a time. */
const MAX_PAGES = 16
/** Lines of one page: so many at once, and a second. */
const LINES_BURST = 10
const LINES_PER_SECOND = 2
/** The longest message of a page, in bytes. A line has at most 4,000 characters. */
const MAX_MESSAGE_BYTES = 32 * 1024

/** At the end requests have this long; open pages never end by themselves, and the member must say goodbye after them. */
const SHUTDOWN = "500 millis"

const TOO_MANY = HttpServerResponse.text(`${MAX_PAGES} pages are open; close one\n`, { status: 503 })

const file = (name: string, contentType: string) => {
  const response = HttpServerResponse.text(readFileSync(new URL(`page/${name}`, import.meta.url), "utf8"), {
    contentType,
  })
  return Effect.succeed(response)
}

/** Serves one page until it closes. */
const servePage = (socket: Socket.Socket) =>
  Effect.gen(function* () {
    const pages = yield* Pages
    const pull = yield* Socket.readerString(socket)
    const { write } = yield* socket.writer
    const hasRead = Latch.makeUnsafe(true)
    const send = (messages: ReadonlyArray<ToPage>) =>
      Effect.andThen(hasRead.await, Effect.andThen(hasRead.close, write(encodeToPage(messages))))
    yield* pages.messages.pipe(Stream.runForEachArray(send), Effect.forkScoped)
    const rate = new TokenBucket(LINES_BURST, LINES_PER_SECOND)
    const receive = Effect.fnUntraced(function* (text: string) {
      const message = yield* decodeFromPage(text)
      if (message._tag === "Read") return yield* hasRead.open
      const reason = rate.take(yield* Clock.currentTimeMillis)
        ? yield* pages.say(message.name, message.text)
        : `at most ${LINES_PER_SECOND} lines a second`
      if (reason !== undefined) yield* write(encodeToPage([{ _tag: "Notice", text: `not sent: ${reason}` }]))
    })
    for (;;) for (const text of yield* pull) yield* receive(text)
  }).pipe(
    Effect.scoped,
    // The page went, or sent what no page of ours sends.
    Effect.catch(() => Effect.void),
  )

const routes = (token: Redacted.Redacted) => {
  const guarded = withToken(token)
  let open = 0
  const socket = Effect.gen(function* () {
    if (open >= MAX_PAGES) return TOO_MANY
    open++
    const request = yield* HttpServerRequest.HttpServerRequest
    yield* Effect.ensuring(
      Effect.flatMap(request.upgrade, servePage),
      Effect.sync(() => open--),
    )
    return HttpServerResponse.empty()
  })
  const members = Effect.gen(function* () {
    const pages = yield* Pages
    return yield* HttpServerResponse.json(yield* pages.members)
  })
  return Layer.mergeAll(
    HttpRouter.add("GET", "/", file("index.html", "text/html; charset=utf-8")),
    HttpRouter.add("GET", "/page.js", file("page.js", "text/javascript; charset=utf-8")),
    HttpRouter.add("GET", "/page.css", file("page.css", "text/css; charset=utf-8")),
    HttpRouter.add("GET", "/health", HttpServerResponse.text("ok\n")),
    HttpRouter.add("GET", "/members", guarded(members)),
    HttpRouter.add("GET", "/socket", guarded(socket)),
    layerGuard,
  )
}

/** The server, on the loopback interface. `port`: 0 is any free one. Give it {@link Pages}. */
export const layerServer = (port: number, token: Redacted.Redacted) =>
  HttpRouter.serve(routes(token), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(createServer, {
        host: "127.0.0.1",
        port,
        websocket: { maxPayload: MAX_MESSAGE_BYTES },
        gracefulShutdownTimeout: SHUTDOWN,
      }),
    ),
  )
