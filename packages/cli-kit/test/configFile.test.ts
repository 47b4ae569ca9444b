/** The options of a node: the command line over the environment over the file. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { TopicConfig } from "@topic-tracker/core"
import { ConfigProvider, Duration, Effect } from "effect"
import { CONFIG_VARIABLE, type GivenNode, nodeConfig } from "../src/configFile.ts"

const { [CONFIG_VARIABLE]: _, ...environment } = process.env
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "topic-tracker-"))
  process.env = { ...environment, XDG_CONFIG_HOME: folder }
})
afterEach(async () => {
  process.env = environment
  await rm(folder, { recursive: true })
})

/** The options, with these variables and this text in the file that {@link CONFIG_VARIABLE} names. */
const read = (file: string | undefined, env: Readonly<Record<string, string>> = {}, given: Partial<GivenNode> = {}) =>
  Effect.gen(function* () {
    if (file !== undefined) {
      const path = join(folder, "options.json")
      yield* Effect.promise(() => writeFile(path, file))
      process.env[CONFIG_VARIABLE] = path
    }
    return yield* nodeConfig({ bootstrap: [], ...given }).pipe(
      Effect.flatMap(TopicConfig.make),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...env } })),
    )
  }).pipe(Effect.provide(NodeServices.layer))

describe("options of a node", () => {
  it.live("without a file and variables there are none", () =>
    Effect.map(read(undefined), (config) => {
      assert.deepInclude(config.dht, { port: 0, bootstrap: [] })
    }),
  )

  it.live("the environment is over the file, and the command line over both", () =>
    Effect.gen(function* () {
      const file =
        '{ "topicTracker": { "dht": { "port": 7001, "putTimeout": "9 seconds", "bootstrap": ["127.0.0.1:1"] } } }'
      const fromFile = yield* read(file)
      assert.deepInclude(fromFile.dht, { port: 7001, bootstrap: [{ host: "127.0.0.1", port: 1 }] })
      const fromBoth = yield* read(file, { TOPIC_TRACKER_DHT_PORT: "7002" })
      assert.deepInclude(fromBoth.dht, { port: 7002, bootstrap: [{ host: "127.0.0.1", port: 1 }] })
      const bootstrap = [{ host: "127.0.0.1", port: 2 }]
      const all = yield* read(file, { TOPIC_TRACKER_DHT_PORT: "7002" }, { bootstrap, dhtPort: 7003, relay: [] })
      assert.deepInclude(all.dht, { port: 7003, bootstrap })
      assert.strictEqual(Duration.toMillis(all.dht.putTimeout), 9_000)
      assert.strictEqual(all.network.relays, "none")
    }),
  )

  it.live("the file in the user's folder of configurations is read if none is named", () =>
    Effect.gen(function* () {
      process.env.XDG_CONFIG_HOME = join(folder, "config")
      yield* Effect.promise(() => mkdir(join(folder, "config", "topic-tracker"), { recursive: true }))
      const path = join(folder, "config", "topic-tracker", "config.json")
      yield* Effect.promise(() => writeFile(path, '{ "topicTracker": { "dht": { "port": 7004 } } }'))
      assert.strictEqual((yield* read(undefined)).dht.port, 7004)
    }),
  )

  it.live("for a user without a home there is none, also where the process stands", () =>
    Effect.gen(function* () {
      const { HOME: _home, XDG_CONFIG_HOME: _config, ...others } = process.env
      process.env = { ...others, HOME: "" }
      const before = process.cwd()
      // A relative path would lead here.
      const path = join(folder, ".config", "topic-tracker")
      yield* Effect.promise(() => mkdir(path, { recursive: true }))
      yield* Effect.promise(() =>
        writeFile(join(path, "config.json"), '{ "topicTracker": { "dht": { "port": 7005 } } }'),
      )
      yield* Effect.acquireRelease(
        Effect.sync(() => process.chdir(folder)),
        () => Effect.sync(() => process.chdir(before)),
      )
      assert.strictEqual((yield* read(undefined)).dht.port, 0)
    }).pipe(Effect.scoped),
  )

  it.live.each([
    { file: "{", message: "options.json: is not JSON: " },
    { file: '{ "topicTracker": { "dht": { "prot": 1 } } }', message: "dht.prot" },
    { file: '{ "topicTracker": { "dht": { "port": 70000 } } }', message: 'dht.port is "70000"' },
  ])("$file: an error that names it", ({ file, message }) =>
    Effect.map(Effect.flip(read(file)), (error) => {
      assert.strictEqual(error._tag, "UsageError")
      assert.include(error.message, message)
    }),
  )

  it.live("a file that is named and is not there is an error", () => {
    process.env[CONFIG_VARIABLE] = join(folder, "nothing.json")
    return Effect.map(Effect.flip(read(undefined)), ({ message }) =>
      assert.strictEqual(message, `${CONFIG_VARIABLE}: ${join(folder, "nothing.json")}: no such file`),
    )
  })
})
