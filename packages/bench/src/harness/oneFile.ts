/**
 * A program as one deploys it who minds its start and memory: put together with all that it uses, and nothing that it does not,
 * into one file. The binding stays outside, since it is native.
 */
import { Effect } from "effect"
import { build } from "rolldown"
import { BenchmarkFailed } from "./Benchmark.ts"
import { dist, node } from "./programs.ts"

const smallHeap = import.meta.resolve("@topic-tracker/core/smallHeap")

/** Puts a program of `src/programs`, which must have been built, into one file. */
export const bundle = (name: string): Effect.Effect<void, BenchmarkFailed> =>
  Effect.tryPromise({
    try: () =>
      build({
        input: `${dist}programs/${name}.js`,
        platform: "node",
        external: /^@number0\//,
        output: { dir: `${dist}oneFile` },
        logLevel: "warn",
      }),
    catch: (error) => new BenchmarkFailed({ message: `${name} as one file: ${String(error)}` }),
  }).pipe(Effect.asVoid)

/** The words of a command line that runs it, with `smallHeap` if wanted. */
export const oneFile = (
  options: { readonly name: string; readonly smallHeap?: boolean },
  ...args: ReadonlyArray<string | number>
): ReadonlyArray<string> =>
  node(`oneFile/${options.name}.js`, args, options.smallHeap === true ? ["--import", smallHeap] : [])
