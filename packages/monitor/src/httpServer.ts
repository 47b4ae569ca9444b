/** An HTTP server on loopback that answers under its own name only, and only to read. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"

const HOST = "127.0.0.1"

const MAX_CONNECTIONS = 64

/** An answer that is no document: its status, and its reason for people. */
export type Refusal = readonly [status: number, reason: string]

export interface Site {
  readonly headers: Readonly<Record<string, string>>
  /** Why this request gets no answer; undefined if it gets one. */
  readonly refuse: (request: IncomingMessage, url: URL) => Refusal | undefined
  readonly answer: (url: URL, response: ServerResponse) => Promise<void>
}

/**
 * Serves until the scope closes, and gives the base address. A web page of somewhere else cannot reach it through a name that leads here
 * (DNS rebinding): the name in the request has to be this one. Fails with a sentence that names the port.
 */
export const serveSite = Effect.fnUntraced(function* (port: number, { answer, headers, refuse }: Site) {
  const refusalOf = (request: IncomingMessage, url: URL): Refusal | undefined => {
    const bound = (server.address() as AddressInfo).port
    const names = [`${HOST}:${bound}`, `localhost:${bound}`]
    if (!names.includes(request.headers.host ?? "")) return [421, `this page is at ${HOST}`]
    return refuse(request, url) ?? (request.method === "GET" ? undefined : [405, "this page is read-only"])
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", `http://${HOST}`)
    const refusal = refusalOf(request, url)
    if (refusal === undefined) {
      answer(url, response).catch(() => response.destroy())
      return
    }
    const [status, reason] = refusal
    const plain = { ...headers, "content-type": "text/plain; charset=utf-8", connection: "close" }
    response.writeHead(status, plain).end(`${reason}\n`)
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<Server, string>((resume) => {
      const made = createServer({ requestTimeout: 10_000, maxHeaderSize: 8_192 }, onRequest)
      made.maxConnections = MAX_CONNECTIONS
      made.once("error", (error: NodeJS.ErrnoException) => {
        const reason = error.code === "EADDRINUSE" ? "is in use" : `cannot be bound: ${error.message}`
        resume(Effect.fail(`TCP port ${port} ${reason} on ${HOST}`))
      })
      made.listen(port, HOST, () => resume(Effect.succeed(made)))
    }),
    (made) =>
      Effect.callback<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
      }),
  )
  return `http://${HOST}:${(server.address() as AddressInfo).port}`
})
