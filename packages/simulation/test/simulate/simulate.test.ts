import { mkdtempSync, writeFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Topic } from "@topic-tracker/core"
import { Clock, Effect, Exit, Ref, Schedule, Stream } from "effect"
import { type Instance, type SimulateFileOptions, type SimulateOptions, simulate } from "../../src/index.ts"

/** Says hello twice a minute and counts the greetings of others. */
const bot = ({ gauge, index }: Instance) =>
  Effect.gen(function* () {
    const count = yield* gauge("greetings")
    const topic = yield* Topic.join({ topic: "greetings", secret: "ours" })
    const now = yield* Clock.currentTimeMillis
    const greet = Effect.flatMap(Ref.get(count), (n) => topic.broadcast(`hello from ${index} at ${now} ${n}`))
    yield* Effect.forkScoped(Effect.repeat(greet, Schedule.spaced("20 seconds")))
    yield* Stream.runForEach(topic.messages, () => Ref.update(count, (n) => n + 1))
  })

/** Real time passes in a run only as far as the machine works. */
const failureOf = (program: (instance: Instance) => Effect.Effect<unknown>, options: Partial<SimulateOptions> = {}) =>
  Effect.flip(simulate(program, { nodes: 2, duration: "5 minutes", ...options }))

describe("simulate", { timeout: 60_000 }, () => {
  it.live("runs a program in many instances under loss and a partition; the same seed gives the same run", () =>
    Effect.gen(function* () {
      const options: SimulateOptions = {
        nodes: 10,
        duration: "3 minutes",
        arriveOver: "5 seconds",
        links: { loss: 0.1 },
        partitions: [{ at: "1 minute", for: "1 minute" }],
      }
      const first = yield* simulate(bot, options)
      const again = yield* simulate(bot, options)
      const other = yield* simulate(bot, { ...options, seed: 2 })
      assert.deepStrictEqual(again, first)
      assert.notStrictEqual(other.hash, first.hash)
      assert.deepStrictEqual(first.outsideCalls, [])
      assert.deepStrictEqual(new Set(first.exits.map(({ how }) => how)), new Set(["running"]))
      const [topic] = first.figures.topics
      assert.deepInclude(topic, { members: 10, never_joined: 0, parts_at_end: 1 })
      assert.isAbove(first.figures.gauges.greetings!.min, 20)
      assert.isAbove(first.figures.dht.gets_per_node_minute, 1)
      // While the network is split, a greeting reaches half of the others.
      const sumAt = (ms: number) => first.figures.timeline.find(({ at_ms }) => at_ms === ms)!.gauges.greetings!.sum
      const rate = (from: number, to: number) => (sumAt(to) - sumAt(from)) / (to - from)
      assert.isBelow(rate(80_000, 120_000), 0.7 * rate(20_000, 60_000))
    }),
  )

  it.live("gives each instance's exit, whatever became of it", () =>
    Effect.gen(function* () {
      const program = ({ index, log }: Instance) =>
        Effect.gen(function* () {
          yield* log(`I am ${index}`)
          yield* Effect.log("as any program")
          if (index === 0) return "done"
          if (index === 1) return yield* Effect.fail("broken" as const)
          if (index === 2) return yield* Effect.die("a defect")
          return yield* Effect.never
        })
      const { exits, log } = yield* simulate(program, {
        nodes: 4,
        duration: "2 minutes",
        churn: { leavesPerMinute: 60, from: "30 seconds" },
      })
      assert.deepStrictEqual(exits[0]?.exit, Exit.succeed("done"))
      assert.deepStrictEqual(exits[1]?.exit, Exit.fail("broken"))
      assert.deepStrictEqual(exits[2]?.exit, Exit.die("a defect"))
      assert.deepInclude(exits[0], { how: "ended", startedAtMs: 0, endedAtMs: 0 })
      assert.include(log, "0 3 I am 3")
      assert.include(log, "0 3 logs Info as any program")
    }),
  )

  it.live("a crash is not announced, and the others notice it", () =>
    Effect.gen(function* () {
      const { exits, figures, log } = yield* simulate(bot, {
        nodes: 6,
        duration: "2 minutes",
        crash: { at: "30 seconds", share: 0.34 },
      })
      assert.strictEqual(exits.filter(({ how }) => how === "crashed").length, 2)
      assert.isTrue(log.some((line) => / down \d lost$/.test(line)))
      assert.deepInclude(figures.topics[0], { members: 4, parts_at_end: 1 })
    }),
  )

  it.live("runs on a mainline DHT, and its figures follow the round trips and the bootstrap nodes", () =>
    Effect.gen(function* () {
      const on = (dht: NonNullable<SimulateOptions["dht"]>) =>
        Effect.map(
          simulate(bot, { nodes: 2, duration: "1 minute", dht: { model: "mainline", alive: 100_000, ...dht } }),
          ({ figures }) => ({ joined: figures.topics[0]?.joined_ms, stored: figures.dht.stored_of_nearest }),
        )
      const near = yield* on({ preset: "easy", rtt: { median: "20 millis", sigma: 0 } })
      const far = yield* on({ preset: "easy", rtt: { median: "300 millis", sigma: 0 } })
      assert.isBelow(near.joined!.p95, far.joined!.p50)
      assert.isAtLeast(near.stored ?? 0, 16)
      assert.deepStrictEqual(yield* on({ bootstrapDead: 1 }), { joined: undefined, stored: null })
    }),
  )

  it.live("promises that settle by themselves, and virtual timers, work", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const first = yield* Effect.promise(async () => {
          await Promise.resolve()
          return 42
        })
        const second = yield* Effect.promise(() => new Promise<number>((resolve) => setTimeout(resolve, 30_000, 1)))
        return [first, second, yield* Clock.currentTimeMillis]
      })
      const { exits } = yield* simulate(program, { nodes: 1, duration: "1 minute", startSecond: 0 })
      const exit = exits[0]!.exit!
      assert.isTrue(Exit.isSuccess(exit))
      if (Exit.isSuccess(exit)) assert.deepStrictEqual(exit.value, [42, 1, 1_750_000_050_000])
    }),
  )

  it.live("a fiber that waits for something outside the clock fails the run with its name", () =>
    Effect.gen(function* () {
      const never = yield* failureOf(({ index }) =>
        index === 0
          ? Effect.never
          : Effect.forkChild(
              Effect.withSpan(
                Effect.promise(() => new Promise(() => {})),
                "fetch prices",
              ),
            ).pipe(Effect.andThen(Effect.never)),
      )
      assert.strictEqual(never.reason, "WaitsOutside")
      assert.match(
        never.message,
        /^instance 1, fiber #\d+ in "fetch prices" \(.*simulate\.test\.ts:\d+:\d+\) has waited/,
      )
      const file = yield* failureOf(() => Effect.promise(() => readFile(import.meta.filename)))
      assert.match(file.message, /^instance 0, fiber #\d+ \(.*simulate\.test\.ts:\d+:\d+\) has waited for/)
      const socket = yield* failureOf(() => Effect.promise(() => fetch("http://127.0.0.1:8123/")))
      assert.match(socket.message, /has waited for TCP/)
      const atEnd = yield* failureOf(() => Effect.promise(() => new Promise(() => {})), { duration: "20 seconds" })
      assert.strictEqual(atEnd.reason, "WaitsOutside")
      const { exits } = yield* simulate(
        Effect.timeoutOption(
          Effect.promise(() => new Promise(() => {})),
          "10 seconds",
        ),
        { nodes: 1, duration: "2 minutes" },
      )
      assert.strictEqual(exits[0]?.how, "ended", "a wait that its own program gives up is none")
    }),
  )

  it.live("reports Date.now and Math.random, and answers them from its own time and seed", () =>
    Effect.gen(function* () {
      const program = Effect.sync(() => [Date.now(), Math.random(), new Date().toISOString(), crypto.randomUUID()])
      const options = { nodes: 2, duration: "10 seconds", startSecond: 0 } as const
      const first = yield* simulate(program, options)
      const again = yield* simulate(program, options)
      assert.deepStrictEqual(again.exits, first.exits)
      assert.deepStrictEqual(
        first.outsideCalls.map(({ calls, global }) => [global, calls]),
        [
          ["Date.now", 2],
          ["Math.random", 2],
          ["new Date()", 2],
          ["crypto.randomUUID", 2],
        ],
      )
      for (const { where } of first.outsideCalls) assert.match(where, /simulate\.test\.ts:\d+:\d+$/)
      assert.isAbove(Date.now(), 1_750_000_100_000, "the globals are the platform's again")
    }),
  )

  it.live("takes scenarios from files, and says what is wrong with options", () =>
    Effect.gen(function* () {
      const file = join(mkdtempSync(join(tmpdir(), "simulate-")), "small.toml")
      writeFileSync(
        file,
        `seeds = [7]\n[[scenario]]\nsim = "Topics"\nname = "small"\nnodes = 4\nduration = "30s"\n[scenario.vary]\n"links.loss" = [0, 0.3]\n`,
      )
      const run = yield* simulate(bot, { file, scenario: "loss=0.3" })
      assert.strictEqual(run.seed, 7n)
      assert.deepInclude(run.figures.topics[0], { members: 4, parts_at_end: 1 })
      const wrong = (options: SimulateOptions | SimulateFileOptions) =>
        Effect.map(Effect.flip(simulate(Effect.void, options)), ({ message, reason }) => [reason, message] as const)
      const base = { nodes: 2, duration: "1 minute" } as const
      const table: ReadonlyArray<readonly [SimulateOptions | SimulateFileOptions, RegExp]> = [
        [{ file, scenario: "" }, /^options\.scenario: "" is in 2 names; give one of small\[links\.loss=0\], small/],
        [{ file: `${file}.not` }, /^options\.file: ENOENT/],
        [{ ...base, links: { loss: 1 } }, /^options\.links\.loss: 1 is not a chance, 0 to below 1$/],
        [{ ...base, nodes: 0 }, /^options\.nodes: 0 is not an integer from 1 to 10000$/],
        [{ ...base, seed: -1 }, /^options\.seed: -1 is not an integer/],
        [
          { ...base, partitions: [{ at: "50 seconds", for: "20 seconds" }] },
          /^options\.partitions\[0\]\.for: does not end/,
        ],
        [{ ...base, topic: { publisher: { jitter: "-1 second" } } } as SimulateOptions, /^options\.topic: /],
        [{ ...base, loss: 0.1 } as SimulateOptions, /^options\.loss: no such key here$/],
      ]
      for (const [options, message] of table) {
        const [reason, found] = yield* wrong(options)
        assert.strictEqual(reason, "InvalidOptions")
        assert.match(found, message)
      }
    }),
  )
})
