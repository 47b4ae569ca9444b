/**
 * The check of those that use the gateway. It listens on the loopback interface only, but every page of every site can send requests to that, and every user of the
 * machine: so a request needs our host in `Host` (a foreign name that leads to 127.0.0.1 has its own there), no foreign `Origin`, and a token for
 * everything but the page itself. A browser cannot set headers of a WebSocket, so the token is its second subprotocol.
 */
import { timingSafeEqual } from "node:crypto"
import { Effect, Redacted } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"

/** The first subprotocol: the one that the server takes. */
export const SUBPROTOCOL = "topic-tracker"

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
}

const refused = (text: string) => HttpServerResponse.text(`${text}\n`, { status: 403, headers: HEADERS })

/** Refuses requests for other hosts and of other sites, whatever they ask for. */
export const layerGuard = HttpRouter.middleware(
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const port = "port" in address ? address.port : 0
    const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`])
    return (app) =>
      Effect.gen(function* () {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        if (!hosts.has(headers.host ?? "")) return refused(`Host: use http://127.0.0.1:${port}`)
        const { origin } = headers
        if (origin !== undefined && origin !== `http://${headers.host}`)
          return refused("Origin: not a page of this gateway")
        const response = yield* app
        return response.status === 101 ? response : HttpServerResponse.setHeaders(response, HEADERS)
      })
  }),
  { global: true },
)

/** Runs the handler if the request has the token: as `Authorization: Bearer …`, or as the subprotocol `token.…`. */
export const withToken =
  (token: Redacted.Redacted) =>
  <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
    Effect.gen(function* () {
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      const protocols = (headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim())
      const given = [
        headers.authorization?.replace(/^Bearer /, ""),
        protocols[0] === SUBPROTOCOL ? protocols[1]?.replace(/^token\./, "") : undefined,
      ]
      return given.some((each) => each !== undefined && isEqual(each, Redacted.value(token)))
        ? yield* handler
        : refused("token: missing or wrong; open the address that the gateway printed")
    })

/** In constant time. */
const isEqual = (a: string, b: string): boolean => {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
