import { existsSync, readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"
import { type NamespaceOptions, runInNamespace } from "../../src/sockets/namespace.ts"
import { dhtBehindFronts } from "./dhtBehindFronts.ts"

const scenario = (lines: string) =>
  Result.getOrThrow(readTopicScenarios(`seeds = [1]\n[[scenario]]\nsim = "Topics"\nname = "a"\n${lines}`, "x.toml"))
    .scenarios[0]!

const run = (lines: string, options?: NamespaceOptions) =>
  runInNamespace({ scenario: scenario(lines), seed: 1n, withLog: true }, options)

/** Lines of a log as [ms, node, what]. */
const parse = (log: string) =>
  log
    .trim()
    .split("\n")
    .map((line) => {
      const [at, node, ...what] = line.split(" ")
      return { at: Number(at), node: Number(node), what: what.join(" ") }
    })

/** The child processes for namespaces. */
const programsInside = () =>
  (existsSync("/proc") ? readdirSync("/proc") : []).filter((pid) => {
    try {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("inside.ts")
    } catch {
      // Not a process, or a process that has just ended.
      return false
    }
  })

describe("runInNamespace", () => {
  it.live(
    "runs whole topics over real packets: all packets pass the relay, and its partition isolates",
    () =>
      Effect.gen(function* () {
        // Cut off for 2 s: shorter than any idle time, so messages of that time arrive afterwards.
        const { log, run: figures } = yield* run(`nodes = 3
duration = "9s"
links = { latency = { constant = "10ms" }, loss = 0.05 }
dht = { nodes = 12, latency = { constant = "20ms" } }
partition = [{ at = "5s", for = "2s", groups = 3 }]
broadcast = { from = "1s", every = "200ms", count = 40 }
`)
        const lines = parse(log)
        const received = (from: number, to: number) =>
          lines.filter(({ at, what }) => what.startsWith("receives") && at >= from && at < to).length
        assert.isAbove(received(0, 5_000), 0)
        // Packets that left the relay before the partition arrive at once.
        assert.strictEqual(received(5_500, 7_000), 0)
        assert.isAbove(received(7_000, 9_000), 0)

        const { failed, lost, received: passed, redirected, sent, stray, strangers } = figures.packets
        assert.isAbove(redirected, 100)
        // The kernel's counters are read before the relay's, and each redirected packet has reached the relay.
        assert.isAtLeast(passed, redirected)
        assert.isAbove(lost, 0)
        assert.isAtMost(sent, passed - lost)
        assert.deepStrictEqual({ failed, stray, strangers }, { failed: 0, stray: 0, strangers: 0 })
      }).pipe(
        Effect.catchTag("NamespaceError", (error) =>
          Effect.gen(function* () {
            // No namespace can be created here: the error is checked, and a DHT on loopback instead.
            assert.include(error.message, "no network namespace for real packets")
            const { relay } = yield* dhtBehindFronts(4, () => [0])
            assert.isAbove(relay.counters.sent, 0)
          }),
        ),
      ),
    40_000,
  )

  it.live("leaves no process behind when it is interrupted", () =>
    Effect.gen(function* () {
      const ended = yield* run('nodes = 2\nduration = "5m"\n').pipe(
        Effect.timeoutOption("2 seconds"),
        Effect.catchTag("NamespaceError", () => Effect.succeedNone),
      )
      assert.strictEqual(ended._tag, "None")
      assert.deepStrictEqual(programsInside(), [])
    }),
  )

  it.live("fails where no namespace can be created, with the system's message and the requirements", () =>
    Effect.gen(function* () {
      const lines = 'nodes = 2\nduration = "5s"\n'
      const missing = yield* Effect.flip(run(lines, { unshare: "no-such-program" }))
      assert.strictEqual(missing._tag, "NamespaceError")
      assert.match(missing.message, /no-such-program.*ENOENT\n.*unshare, ip and nft/)
      const refused = yield* Effect.flip(run(lines, { unshare: "false" }))
      assert.strictEqual(refused._tag, "NamespaceError")
      assert.include(refused.message, "it ended with 1")
    }),
  )
})
