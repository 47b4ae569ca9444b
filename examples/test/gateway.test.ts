/** The gateway over real HTTP and WebSockets on loopback, with its topic in memory. The page itself is tested in gateway.browser.ts. */
import { request } from "node:http"
import { NodeWS } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Topic } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Effect, Layer, Redacted, Schedule, Stream } from "effect"
import { HttpServer } from "effect/http"
import * as ChatRoom from "../src/chat/ChatRoom.ts"
import { layerPages } from "../src/gateway/Pages.ts"
import { layerServer } from "../src/gateway/server.ts"

const TOKEN = "0123456789abcdef0123456789abcdef"
const PROTOCOLS = ["topic-tracker", `token.${TOKEN}`]

/** A gateway, and ada, another member of its room. */
const makeRoom = Effect.gen(function* () {
  const world = yield* MemoryWorld.make()
  const join = { topic: "lobby", secret: "the secret of the lobby", access: "members" } as const
  const member = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Layer.build(MemoryWorld.layer(world)), (services) => Effect.provideContext(effect, services))
  const { address } = yield* member(
    Effect.gen(function* () {
      const pages = layerPages(yield* Topic.joinNoWait(join), "lobby", "gateway")
      const services = yield* Layer.build(layerServer(0, Redacted.make(TOKEN)).pipe(Layer.provide(pages)))
      return Context.get(services, HttpServer.HttpServer)
    }),
  )
  const ada = yield* member(Effect.flatMap(Topic.joinNoWait(join), (its) => ChatRoom.enter(its, "ada")))
  const heard: Array<string> = []
  yield* Effect.forkScoped(
    Stream.runForEach(ada.events, (event) =>
      Effect.sync(() => {
        if (event._tag === "Said") heard.push(`${event.member.name}: ${event.text}`)
      }),
    ),
  )
  return { host: `127.0.0.1:${"port" in address ? address.port : 0}`, ada, heard }
})

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

const get = (host: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.callback<Answer>((resume) => {
    request(`http://${host}${path}`, { headers }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode, headers: response.headers, body })))
    }).end()
  })

/** The status with which a WebSocket is refused, or 101. */
const statusOf = (host: string, protocols: ReadonlyArray<string>, options: { readonly origin?: string } = {}) =>
  Effect.callback<number | undefined>((resume) => {
    const socket = new NodeWS.WebSocket(`ws://${host}/socket`, [...protocols], options)
    socket.on("unexpected-response", (_, response) => {
      resume(Effect.succeed(response.statusCode))
      response.destroy()
    })
    socket.on("open", () => {
      socket.close()
      resume(Effect.succeed(101))
    })
    socket.on("error", () => {})
  })

type Message = Readonly<Record<string, unknown>> & { readonly _tag: string }

/** An open page that reads, unless it is not to. */
const openPage = Effect.fnUntraced(function* (host: string, doesRead = true) {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => new NodeWS.WebSocket(`ws://${host}/socket`, PROTOCOLS)),
    (socket) => Effect.sync(() => socket.terminate()),
  )
  const messages: Array<Message> = []
  let isClosed = false
  socket.on("message", (data) => {
    messages.push(...JSON.parse(String(data)))
    if (doesRead) socket.send(JSON.stringify({ _tag: "Read" }))
  })
  socket.on("close", () => {
    isClosed = true
  })
  socket.on("error", () => {})
  yield* eventually("it is open", () => socket.readyState === socket.OPEN)
  return {
    messages,
    isClosed: () => isClosed,
    send: (message: unknown) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    lines: () =>
      messages.flatMap((each) =>
        each._tag === "Said" ? [`${each.name}: ${each.text}`] : each._tag === "Notice" ? [each.text] : [],
      ),
    names: () => {
      const last = messages.filter(({ _tag }) => _tag === "Members").at(-1)
      return ((last?.members ?? []) as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name).sort()
    },
  }
})

const eventually = (what: string, isSo: () => boolean) =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.fail(new Error(`not in time: ${what}`)))).pipe(
    Effect.retry({ schedule: Schedule.spaced(10), times: 1_000 }),
  )

describe("the gateway", () => {
  it.live("gives its page to its own host and site only, and everything else to holders of the token only", () =>
    Effect.gen(function* () {
      const { host } = yield* makeRoom
      const page = yield* get(host, "/")
      assert.strictEqual(page.status, 200)
      assert.match(page.body, /<title>topic-tracker gateway/)
      assert.match(String(page.headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/)
      assert.isUndefined(page.headers["access-control-allow-origin"])
      for (const [path, headers] of [
        ["/", { host: "evil.example" }],
        ["/", { host: `evil.example:${host.split(":")[1]}` }],
        ["/", { origin: "http://evil.example" }],
        ["/", { origin: "null" }],
        ["/health", { origin: `https://${host}` }],
        ["/members", {}],
        ["/members", { authorization: `Bearer ${TOKEN.slice(1)}` }],
        ["/members", { authorization: `Bearer ${TOKEN}`, origin: "http://localhost:1" }],
        ["/nothing", { host: "evil.example" }],
      ] as const) {
        assert.strictEqual((yield* get(host, path, headers)).status, 403, `${path} ${JSON.stringify(headers)}`)
      }
      const members = yield* get(host, "/members", { authorization: `Bearer ${TOKEN}`, origin: `http://${host}` })
      assert.strictEqual(members.status, 200)
      assert.strictEqual(JSON.parse(members.body)[0].name, "gateway")
      assert.strictEqual((yield* get(host, "/nothing")).status, 404)

      assert.strictEqual(yield* statusOf(host, []), 403)
      assert.strictEqual(yield* statusOf(host, ["topic-tracker"]), 403)
      assert.strictEqual(yield* statusOf(host, ["topic-tracker", `token.${"0".repeat(32)}`]), 403)
      assert.strictEqual(yield* statusOf(host, PROTOCOLS, { origin: "http://evil.example" }), 403)
      assert.strictEqual(yield* statusOf(host, PROTOCOLS, { origin: `http://${host}` }), 101)
    }),
  )

  it.live("lets pages speak and hear in the room, and shows a later page what was said", () =>
    Effect.gen(function* () {
      const { ada, heard, host } = yield* makeRoom
      const bo = yield* openPage(host)
      yield* eventually("ada is seen", () => bo.names().includes("ada"))
      bo.send({ _tag: "Say", name: "bo", text: "hello from\ta page" })
      yield* eventually("ada hears it", () => heard.includes("bo: hello from a page"))
      yield* ada.say("hello, page")
      const both = ["bo: hello from a page", "ada: hello, page"]
      yield* eventually("bo sees both", () => bo.lines().length === 2)
      assert.deepStrictEqual(bo.lines(), both)
      const cy = yield* openPage(host)
      yield* eventually("cy sees both", () => cy.lines().length === 2)
      assert.deepStrictEqual(cy.lines(), both)
      assert.deepStrictEqual(cy.names(), ["ada", "gateway"])
      assert.strictEqual(cy.messages[0]?._tag, "Welcome")
      yield* Effect.forkChild(ada.leave)
      yield* eventually("ada is gone", () => cy.names().join() === "gateway")
    }),
  )

  it.live("refuses lines that come too fast, and closes a page that sends something else", () =>
    Effect.gen(function* () {
      const { heard, host } = yield* makeRoom
      const bo = yield* openPage(host)
      yield* eventually("ada is seen", () => bo.names().includes("ada"))
      for (let i = 0; i < 15; i++) bo.send({ _tag: "Say", name: "bo", text: `line ${i}` })
      yield* eventually("it is told", () => bo.lines().includes("not sent: at most 2 lines a second"))
      yield* eventually("ada hears the others", () => heard.length >= 10)
      assert.isBelow(heard.length, 15)
      assert.deepStrictEqual(
        heard.slice(0, 10),
        Array.from({ length: 10 }, (_, i) => `bo: line ${i}`),
      )
      for (const bad of [
        "no JSON",
        { _tag: "Unknown" },
        { _tag: "Say", name: "", text: "x" },
        { _tag: "Say", name: "bo", text: "x".repeat(4_001) },
        "x".repeat(40_000),
      ]) {
        const page = yield* openPage(host)
        page.send(bad)
        yield* eventually("it is closed", page.isClosed)
      }
      assert.isFalse(bo.isClosed())
    }),
  )

  it.live("sends nothing more to a page that does not read, and lets 16 pages in", () =>
    Effect.gen(function* () {
      const { ada, host } = yield* makeRoom
      const slow = yield* openPage(host, false)
      const quick = yield* openPage(host)
      yield* eventually("ada is seen", () => quick.names().includes("ada"))
      const before = slow.messages.length
      yield* ada.say("hello")
      yield* eventually("the other sees it", () => quick.lines().length === 1)
      assert.deepStrictEqual(slow.lines(), [])
      assert.strictEqual(slow.messages.length, before)
      slow.send({ _tag: "Read" })
      yield* eventually("it gets what there is", () => slow.messages.length > before)
      for (let i = 2; i < 16; i++) yield* openPage(host)
      assert.strictEqual(yield* statusOf(host, PROTOCOLS), 503)
    }),
  )
})
