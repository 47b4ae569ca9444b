/** The commands as programs: what they print, and with which exit code they end. Their output is an interface. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { startProgram } from "./startProgram.ts"

/** Starts a command; it is killed when the scope closes. */
const start = (command: string, args: ReadonlyArray<string>, nodeOptions: ReadonlyArray<string> = []) => {
  const file = fileURLToPath(new URL(`../src/${command}.ts`, import.meta.url))
  return startProgram(process.execPath, [...nodeOptions, "--conditions=@topic-tracker/source", file, ...args])
}

const run = (command: string, args: ReadonlyArray<string>) =>
  Effect.scoped(Effect.flatMap(start(command, args), ({ ended }) => ended))

const oneLine = (text: string) => text.trim().split("\n").length === 1

const scratch = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "topic-tracker-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true })),
)

const published = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

// Programs that load from source, several at a time: seconds each on a busy machine.
describe.concurrent("commands", { timeout: 60_000 }, () => {
  it.live.each([
    { command: "node", args: ["--secret", "s"], says: "--topic is missing: The topic's name" },
    { command: "node", args: ["--topic"], says: "the value of --topic is missing: The topic's name" },
    {
      command: "node",
      args: ["--topic", "", "--secret", "s"],
      says: '--topic: "" is not a text of at least one character',
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--bootstrap", "nowhere"],
      says: '--bootstrap: "nowhere" is not HOST:PORT[,HOST:PORT] with ports from 1 to 65535',
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--relay", "https://relay.example.org,relay.example.org"],
      says: '--relay: "https://relay.example.org,relay.example.org" is not URL[,URL], each http or https, or none',
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--topic", "u"],
      says: "--topic is given more than once; it may be given once",
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--every", "soon"],
      says: '--every: "soon" is not an integer from 1 to 864',
    },
    { command: "testnet", args: ["--port", "1.5"], says: '--port: "1.5" is not a port, 0 to 65535' },
    { command: "testnet", args: ["7000"], says: '"7000" is one argument too many; this command has --nodes, --port' },
    { command: "testnet", args: ["--nodes", "0"], says: '--nodes: "0" is not an integer from 1 to 1000' },
    { command: "vectors", args: [], says: "DIR is missing: A folder of files of vectors" },
    { command: "vectors", args: ["no-such-folder"], says: "DIR: does not exist: " },
    { command: "demo", args: ["--fast"], says: "--fast is no option of this command; it has none" },
  ])("$command $args: one line that says what is wrong, and exit code 2", ({ command, args, says }) =>
    Effect.gen(function* () {
      const { code, out, err } = yield* run(command, args)
      assert.include(err, says)
      assert.isTrue(oneLine(err), err)
      assert.strictEqual(out, "")
      assert.strictEqual(code, 2)
    }),
  )

  it.live.each([
    { command: "testnet", option: "--port", args: [] },
    { command: "node", option: "--dht-port", args: ["--topic", "t", "--secret", "s", "--bootstrap"] },
  ])("$command: a port in use is the user's to change", ({ command, option, args }) =>
    Effect.gen(function* () {
      const testnet = yield* DhtTestnet.make({ nodes: 1 })
      const port = String(testnet.addresses[0]?.port)
      const bootstrap = args.length === 0 ? [] : [`127.0.0.1:${port}`]
      const { code, err } = yield* run(command, [...args, ...bootstrap, option, port])
      assert.include(err, `${option}: UDP port ${port} is in use on 127.0.0.1`)
      assert.isTrue(oneLine(err), err)
      assert.strictEqual(code, 2)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("vectors: the last line counts the cases, failed cases and unknown files are reported", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      yield* Effect.promise(() => cp(published("crypto/test/vectors/hpke.json"), join(folder, "hpke.json")))
      const good = yield* run("vectors", [folder])
      assert.strictEqual(good.out.trim().split("\n").at(-1), "14 passed, 0 failed")
      assert.strictEqual(good.code, 0)

      yield* Effect.promise(async () => {
        const text = await readFile(join(folder, "hpke.json"), "utf8")
        await writeFile(join(folder, "hpke.json"), text.replace(/"plaintext": "b1"/, '"plaintext": "b2"'))
      })
      const bad = yield* run("vectors", [folder])
      assert.strictEqual(bad.out.trim().split("\n").at(-1), "12 passed, 2 failed")
      assert.strictEqual(bad.code, 1)

      yield* Effect.promise(() => writeFile(join(folder, "other.json"), "{}"))
      const unknown = yield* run("vectors", [folder])
      assert.include(unknown.err, "DIR: other.json is not a known file of vectors; known are ")
      assert.strictEqual(unknown.out, "")
      assert.strictEqual(unknown.code, 2)
    }),
  )

  it.live("vectors: a file with another format, or without a case, is reported in one line", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      yield* Effect.promise(() => writeFile(join(folder, "hpke.json"), '{ "cases": [{}] }'))
      const malformed = yield* run("vectors", [folder])
      assert.include(malformed.err, 'DIR: hpke.json: Missing key at ["cases"][0]')
      assert.isTrue(oneLine(malformed.err), malformed.err)
      assert.strictEqual(malformed.code, 2)

      yield* Effect.promise(() => writeFile(join(folder, "hpke.json"), '{ "cases": [] }'))
      const empty = yield* run("vectors", [folder])
      assert.include(empty.err, "DIR: hpke.json has no case")
      assert.strictEqual(empty.code, 2)
    }),
  )

  it.live("node --json: two nodes hear each other, and SIGINT ends with `closed` and exit code 0", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const bootstrap = `127.0.0.1:${addresses[0]?.port}`
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", bootstrap, "--every", "100", "--json"]
      const one = yield* start("node", [...args, "--send", "one"])
      const two = yield* start("node", [...args, "--send", "two"])
      yield* one.says('"text":"two')
      yield* two.says('"text":"one')
      const nodes = yield* Effect.forEach([one, two], ({ signal, ended }) => Effect.andThen(signal("SIGINT"), ended))
      for (const { code, out } of nodes) {
        const events = out
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as { event: string; t: number; [field: string]: unknown })
        const first = (event: string) => events.find((one) => one.event === event)
        assert.strictEqual(events[0]?.event, "ready")
        assert.match(String(first("ready")?.endpointId), /^[0-9a-f]{64}$/)
        assert.match(String(first("ready")?.addresses), /^127\.0\.0\.1:\d+/)
        assert.isNumber(first("ready")?.dhtPort)
        assert.isNumber(first("joined")?.t)
        assert.match(String(first("neighbor-up")?.peer), /^[0-9a-f]{64}$/)
        assert.strictEqual(first("message")?.scope, "swarm")
        assert.match(String(first("message")?.from), /^[0-9a-f]{64}$/)
        assert.deepInclude(events.at(-1), { event: "closed", reason: "interrupted" })
        assert.strictEqual(code, 0)
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node: a signal while it is loading is answered with `closed` and exit code 0 too", () =>
    Effect.gen(function* () {
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", "127.0.0.1:9", "--json"]
      // Says when the first listener for signals is there.
      const listen = "process.on('newListener', (event) => event === 'SIGINT' && console.log('listens'))"
      const node = yield* start("node", args, [`--import=data:text/javascript,${listen}`])
      yield* node.says("listens")
      yield* node.signal("SIGINT")
      const { code, out } = yield* node.ended
      assert.match(out, /\{"event":"closed","t":[\d.]+,"reason":"interrupted"\}\n$/)
      assert.strictEqual(code, 0)
    }),
  )

  it.live("node: what strangers write moves no cursor", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", `127.0.0.1:${addresses[0]?.port}`]
      yield* start("node", [...args, "--send", "\u001b[2Jgone\n", "--every", "100"])
      const node = yield* start("node", args)
      yield* node.says("\\u001b[2Jgone\\u000a")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("who reads the output may leave early, as head does: nothing is said of it, and the command ends", () =>
    Effect.gen(function* () {
      const demo = yield* start("demo", [])
      yield* demo.says("Three nodes")
      yield* demo.stopReading
      const { code, err } = yield* demo.ended
      assert.deepStrictEqual({ code, err }, { code: 130, err: "" })
    }),
  )

  it.live("node --relay: that relay is asked", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 1 })
      let asked: () => void
      const isAsked = new Promise<void>((resolve) => {
        asked = resolve
      })
      const server = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer((_, response) => {
            asked()
            response.writeHead(404).end()
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => void server.close().closeAllConnections()),
      )
      const relay = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const bootstrap = `127.0.0.1:${addresses[0]?.port}`
      yield* start("node", ["--topic", "t", "--secret", "s", "--bootstrap", bootstrap, "--relay", relay])
      yield* Effect.promise(() => isAsked)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("demo: ends by itself, and every node heard every other", () =>
    Effect.gen(function* () {
      const { code, out, err } = yield* run("demo", [])
      for (const [listener, author] of ["ada bo", "ada cy", "bo ada", "bo cy", "cy ada", "cy bo"].map((pair) =>
        pair.split(" "),
      )) {
        assert.match(out, new RegExp(`${listener} +heard "hello from ${author}"`))
      }
      assert.include(out, "Every node heard every other.")
      assert.deepStrictEqual({ code, err }, { code: 0, err: "" })
      // It is read on narrow terminals too.
      for (const line of out.split("\n")) assert.isAtMost(line.length, 60, line)
    }),
  )
})
