/**
 * The time of the published command from its start to its end, where it does next to nothing: help and version, with and without the
 * compiled code that Node keeps. The bundle is made anew, and keeps nothing in the user's folders.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { type Benchmark, BenchmarkFailed, result } from "../harness/Benchmark.ts"
import { median } from "../harness/figures.ts"
import { dist } from "../harness/programs.ts"

/** From packages/bench/dist/benchmarks or packages/bench/src/benchmarks. */
const bundler = fileURLToPath(new URL("../../../../scripts/bundle.ts", import.meta.url))

/** A start is short, so there are more of them than joins. */
const STARTS_PER_ROUND = 4

const WAYS = {
  help: ["--help"],
  version: ["--version"],
  "help of node": ["node", "--help"],
} as const

/** ms of one start. */
const start = (cache: string, args: ReadonlyArray<string>): number => {
  const before = performance.now()
  const env = { ...process.env, TOPIC_TRACKER_CACHE: cache }
  const { status } = spawnSync(process.execPath, [...args], { env, stdio: "ignore" })
  if (status !== 0) throw new Error(`${args.join(" ")}: exit code ${status}`)
  return performance.now() - before
}

export const commandStart: Benchmark = {
  name: "command-start",
  about: "the time of the bundled topic-tracker --help, from start to end, with and without kept compiled code",
  run: ({ rounds }) =>
    Effect.acquireUseRelease(
      // Beside the package, where the bundle finds iroh's binding as it does when it is installed.
      Effect.sync(() => mkdtempSync(join(dist, "command-"))),
      (folder) =>
        Effect.try({
          try: () => {
            const bundle = join(folder, "bundle")
            execFileSync(process.execPath, [bundler, bundle], { stdio: ["ignore", "ignore", "inherit"] })
            const program = join(bundle, "topic-tracker.js")
            const cache = join(folder, "cache")
            const samples = (where: string, args: ReadonlyArray<string>) => {
              // The first one fills the cache.
              start(where, args)
              return Array.from({ length: rounds * STARTS_PER_ROUND }, () => start(where, args))
            }
            const node = { "Node alone": median(samples("none", ["--eval", "0"])) }
            return Object.entries(WAYS).flatMap(([name, args]) => [
              result(`command-start/${name}`, "ms", "lower", samples(cache, [program, ...args]), node),
              result(`command-start/${name}, nothing kept`, "ms", "lower", samples("none", [program, ...args]), node),
            ])
          },
          catch: (error) => new BenchmarkFailed({ message: `command-start: ${error}` }),
        }),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
    ),
}
