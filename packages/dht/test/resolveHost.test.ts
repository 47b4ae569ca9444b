import { execFile } from "node:child_process"
import { createSocket, type Socket } from "node:dgram"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { addressesIn, resolveHost } from "../src/routing/resolveHost.ts"

const silentServer = Effect.gen(function* () {
  let asked = 0
  const socket = yield* Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4", () => asked++)
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  )
  return { server: `127.0.0.1:${socket.address().port}`, asked: () => asked }
})

/** A program that resolves a name and gives up after 200 ms; it prints the time at which it has. */
const program = `
import { Effect } from "effect"
import { resolveHost } from ${JSON.stringify(new URL("../src/routing/resolveHost.ts", import.meta.url).href)}
await Effect.runPromise(Effect.timeoutOption(resolveHost("router.example", [process.argv[1]]), 200))
console.log(Date.now())
`

describe("resolveHost", () => {
  it("reads the IPv4 addresses of a name from a hosts file", () => {
    const file =
      "127.0.0.1 localhost # comment\n::1 localhost\n\t192.0.2.1  Router.example alias\r\n192.0.2.2 router.example\n#1.1.1.1 router.example"
    assert.deepStrictEqual(addressesIn(file, "localhost"), ["127.0.0.1"])
    assert.deepStrictEqual(addressesIn(file, "router.example"), ["192.0.2.1", "192.0.2.2"])
    assert.deepStrictEqual(addressesIn(file, "alias"), ["192.0.2.1"])
    assert.deepStrictEqual(addressesIn(file, "comment"), [])
  })

  it.live("finds localhost without a DNS server", () =>
    Effect.gen(function* () {
      const { server } = yield* silentServer
      assert.include(yield* resolveHost("localhost", [server]), "127.0.0.1")
    }),
  )

  it.live("does not keep a finished program alive while the DNS server is silent", () =>
    Effect.gen(function* () {
      const { asked, server } = yield* silentServer
      const flags = ["--conditions=@topic-tracker/source", "--input-type=module", "--eval", program]
      const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, [...flags, server]))
      const finishedAt = Number(stdout)
      assert.isAbove(asked(), 0)
      // The resolver itself would try for six seconds.
      assert.isBelow(Date.now() - finishedAt, 3000)
    }),
  )
})
