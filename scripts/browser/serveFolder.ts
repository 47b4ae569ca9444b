/** Serves the files of a folder on a free port of loopback, for pages under test. */
import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join, normalize } from "node:path"
import { Effect, type Scope } from "effect"

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
}

/** The folder's address, such as `http://127.0.0.1:4000`, until the Scope closes. */
export const serveFolder = (folder: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ address: string; close: () => void }>((resolve) => {
          const server = createServer((request, response) => {
            const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://127.0.0.1").pathname))
            readFile(join(folder, path.endsWith("/") ? join(path, "index.html") : path)).then(
              (bytes) => {
                response.setHeader("content-type", TYPES[extname(path) || ".html"] ?? "application/octet-stream")
                response.end(bytes)
              },
              () => {
                response.statusCode = 404
                response.end()
              },
            )
          })
          server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as AddressInfo
            resolve({
              address: `http://127.0.0.1:${port}`,
              close: () => {
                server.close()
                server.closeAllConnections()
              },
            })
          })
        }),
    ),
    ({ close }) => Effect.sync(close),
  ).pipe(Effect.map(({ address }) => address))
