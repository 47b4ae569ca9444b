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

/** Our children that are, or were to be, in a namespace. */
const programsInside = () =>
  (existsSync("/proc") ? readdirSync("/proc") : []).filter((pid) => {
    try {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("inside.ts")
    } catch {
      // Not a process, or one that has just ended.
      return false
    }
  })

describe("runInNamespace", () => {
  it.live(
    "whole topics over real packets: all of them pass the relay, and a partition of it isolates",
    () =>
      Effect.gen(function* () {
        // Cut off from all others for 2 s: shorter than any idle time, so what was said meanwhile arrives afterwards.
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
        // What has left the relay before the cut is there within a moment.
        assert.strictEqual(received(5_500, 7_000), 0)
        assert.isAbove(received(7_000, 9_000), 0)

        const { failed, lost, received: passed, redirected, sent, stray, strangers } = figures.packets
        assert.isAbove(redirected, 100)
        // The kernel's count was taken a moment before the relay's, and every packet in it has come to the relay.
        assert.isAtLeast(passed, redirected)
        assert.isAbove(lost, 0)
        assert.isAtMost(sent, passed - lost)
        assert.deepStrictEqual({ failed, stray, strangers }, { failed: 0, stray: 0, strangers: 0 })
      }).pipe(
        Effect.catchTag("NamespaceError", (error) =>
          Effect.gen(function* () {
            // Here none can be made: that is said plainly, and what plain loopback allows is checked instead.
            assert.include(error.message, "no network namespace for real packets")
            const { relay } = yield* dhtBehindFronts(4, () => [0])
            assert.isAbove(relay.counters.sent, 0)
          }),
        ),
      ),
    40_000,
  )

  it.live("interrupted, it leaves no process behind", () =>
    Effect.gen(function* () {
      const ended = yield* run('nodes = 2\nduration = "5m"\n').pipe(
        Effect.timeoutOption("2 seconds"),
        Effect.catchTag("NamespaceError", () => Effect.succeedNone),
      )
      assert.strictEqual(ended._tag, "None")
      assert.deepStrictEqual(programsInside(), [])
    }),
  )

  it.live("where none can be made it says so, with what the system says, and what is needed", () =>
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
