/** The commands as programs: their output, which is an interface, and their exit codes. */
import { cp, readFile, stat, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { oneLine, run, scratch, start } from "./startCommand.ts"

const vectorsOf = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

// Programs that load from source, several at a time: seconds each on a busy machine.
describe.concurrent("commands", { timeout: 60_000 }, () => {
  it.live.each([
    { command: "node", args: ["--secret", "s"], message: "--topic is missing: The topic's name" },
    { command: "node", args: ["--topic"], message: "the value of --topic is missing: The topic's name" },
    {
      command: "node",
      args: ["--topic", "", "--secret", "s"],
      message: '--topic: "" is not a text of at least one character',
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--bootstrap", "nowhere"],
      message: '--bootstrap: "nowhere" is not HOST:PORT[,HOST:PORT] with ports from 1 to 65535',
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--relay", "https://relay.example.org,relay.example.org"],
      message: '--relay: "https://relay.example.org,relay.example.org" is not URL[,URL], each http or https, or none',
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--topic", "u"],
      message: "--topic is given more than once; it may be given once",
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--every", "soon"],
      message: '--every: "soon" is not an integer from 1 to 864',
    },
    {
      command: "node",
      args: ["--topic", "t"],
      message: "the secret is missing: give --secret-file PATH, or set TOPIC_TRACKER_SECRET, or give --secret TEXT",
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--secret-file", "secret.txt"],
      message: "the secret is given more than once, by --secret and --secret-file; give it once",
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret-file", "no-such-file"],
      message: "--secret-file: no-such-file: no such file",
    },
    { command: "node", args: ["--topic", "t", "--secret", ""], message: "--secret: " },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--identity-file", "package.json"],
      message: "--identity-file: package.json: has no key: it must have 64 hex digits",
    },
    {
      command: "node",
      args: ["--topic", "t", "--secret", "s", "--identity-file", "no-such-folder/key"],
      message: "--identity-file: no-such-folder/key: its folder does not exist",
    },
    { command: "testnet", args: ["--port", "1.5"], message: '--port: "1.5" is not a port, 0 to 65535' },
    {
      command: "testnet",
      args: ["7000"],
      message: '"7000" is one argument too many; this command has --nodes, --port',
    },
    { command: "testnet", args: ["--nodes", "0"], message: '--nodes: "0" is not an integer from 1 to 1000' },
    { command: "vectors", args: [], message: "DIR is missing: A folder of files of vectors" },
    { command: "vectors", args: ["no-such-folder"], message: "DIR: does not exist: " },
    { command: "demo", args: ["--fast"], message: "--fast is no option of this command; it has none" },
  ])("$command $args: one line that names the error, and exit code 2", ({ command, args, message }) =>
    Effect.gen(function* () {
      const { code, out, err } = yield* run(command, args)
      assert.include(err, message)
      assert.isTrue(oneLine(err), err)
      assert.strictEqual(out, "")
      assert.strictEqual(code, 2)
    }),
  )

  it.live.each([
    { command: "testnet", option: "--port", args: [] },
    { command: "node", option: "--dht-port", args: ["--topic", "t", "--secret", "s", "--bootstrap"] },
  ])("$command: a port in use is a wrong argument", ({ command, option, args }) =>
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
      yield* Effect.promise(() => cp(vectorsOf("crypto/test/vectors/hpke.json"), join(folder, "hpke.json")))
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
      yield* one.prints('"text":"two')
      yield* two.prints('"text":"one')
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

  it.live("node: a signal during loading also prints `closed` and ends with exit code 0", () =>
    Effect.gen(function* () {
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", "127.0.0.1:9", "--json"]
      // Prints a line when the first listener for signals is added.
      const listen = "process.on('newListener', (event) => event === 'SIGINT' && console.log('listens'))"
      const node = yield* start("node", args, { nodeOptions: [`--import=data:text/javascript,${listen}`] })
      yield* node.prints("listens")
      yield* node.signal("SIGINT")
      const { code, out } = yield* node.ended
      assert.match(out, /\{"event":"closed","t":[\d.]+,"reason":"interrupted"\}\n$/)
      assert.strictEqual(code, 0)
    }),
  )

  it.live("node: the secret of a file, of standard input, of the environment and of --secret is the same", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const folder = yield* scratch
      const file = join(folder, "secret")
      yield* Effect.promise(() => writeFile(file, "a secret\n"))
      const args = ["--topic", "t", "--bootstrap", `127.0.0.1:${addresses[0]?.port}`, "--json"]
      const talking = [...args, "--every", "100", "--send"]
      const listener = yield* start("node", [...args, "--secret", "a secret"])
      yield* start("node", [...talking, "of a file", "--secret-file", file])
      yield* start("node", [...talking, "of standard input", "--secret-file", "-"], { input: "a secret\n" })
      yield* start("node", [...talking, "of the environment"], { env: { TOPIC_TRACKER_SECRET: "a secret" } })
      for (const source of ["of a file", "of standard input", "of the environment"]) {
        yield* listener.prints(`"text":"${source} `)
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node: keeps its id in --identity-file, which only its owner may read", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 2 })
      const file = join(yield* scratch, "key")
      const bootstrap = `127.0.0.1:${addresses[0]?.port}`
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", bootstrap, "--identity-file", file, "--json"]
      const id = Effect.gen(function* () {
        const node = yield* start("node", args)
        yield* node.prints('"ready"')
        yield* node.signal("SIGINT")
        const { code, out } = yield* node.ended
        assert.strictEqual(code, 0)
        return /"endpointId":"([0-9a-f]{64})"/.exec(out)?.[1] ?? assert.fail(out)
      })
      const first = yield* id
      const { mode } = yield* Effect.promise(() => stat(file))
      assert.strictEqual(mode & 0o777, 0o600)
      assert.match(yield* Effect.promise(() => readFile(file, "utf8")), /^[0-9a-f]{64}\n$/)
      assert.strictEqual(yield* id, first)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node: a secret of the environment and one of an option are one too many, and neither is printed", () =>
    Effect.gen(function* () {
      const { code, err, out } = yield* run("node", ["--topic", "t", "--secret", "option-5413"], {
        env: { TOPIC_TRACKER_SECRET: "variable-5413" },
      })
      assert.strictEqual(
        err,
        "the secret is given more than once, by --secret and TOPIC_TRACKER_SECRET; give it once\n",
      )
      assert.deepStrictEqual([out, code], ["", 2])
    }),
  )

  it.live("node: two nodes with the same --send hear each other, and wait for the first peer until then", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const bootstrap = `127.0.0.1:${addresses[0]?.port}`
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", bootstrap, "--send", "hello", "--every", "100"]
      const one = yield* start("node", args)
      yield* one.prints("  for the first peer of the topic\n")
      const two = yield* start("node", args)
      for (const node of [one, two]) {
        yield* node.prints("the first neighbour is up")
        yield* node.printsMatch(/message {2}hello \d+ from [0-9a-f]{8} {2}\(via [0-9a-f]{8}…\)\n/)
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node: a remote text cannot move the cursor", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const args = ["--topic", "t", "--secret", "s", "--bootstrap", `127.0.0.1:${addresses[0]?.port}`]
      yield* start("node", [...args, "--send", "\u001b[2Jgone\n", "--every", "100"])
      const node = yield* start("node", args)
      yield* node.prints("\\u001b[2Jgone\\u000a")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("a command whose output is closed, as by head, ends without a message", () =>
    Effect.gen(function* () {
      const demo = yield* start("demo", [])
      yield* demo.prints("Three nodes")
      yield* demo.stopReading
      const { code, err } = yield* demo.ended
      assert.deepStrictEqual({ code, err }, { code: 130, err: "" })
    }),
  )

  it.live("node --relay: the node contacts that relay", () =>
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

  it.live("demo: ends by itself, every node heard every other, and the summary comes last", () =>
    Effect.gen(function* () {
      const { code, out, err } = yield* run("demo", [])
      for (const [listener, author] of ["ada bo", "ada cy", "bo ada", "bo cy", "cy ada", "cy bo"].map((pair) =>
        pair.split(" "),
      )) {
        assert.match(out, new RegExp(`${listener} +heard "hello from ${author}"`))
      }
      assert.match(out, /\nEvery node heard every other\.\n {2}cold join, .* ms\n {2}warm join, .* ms\n$/)
      assert.deepStrictEqual({ code, err }, { code: 0, err: "" })
      // The output fits narrow terminals.
      for (const line of out.split("\n")) assert.isAtMost(line.length, 60, line)
    }),
  )
})
