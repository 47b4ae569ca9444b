/**
 * Bundles a program with everything that it uses into one file, as one deploys it for a short start and little memory. iroh's
 * binding is native and stays outside.
 */
import { Effect } from "effect"
import { build } from "rolldown"
import { BenchmarkFailed } from "./Benchmark.ts"
import { dist, node } from "./programs.ts"

const smallHeap = import.meta.resolve("@topic-tracker/core/smallHeap")

/** Bundles a program of `src/programs`. It must have been built. */
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

/** The command line of the bundled program, with `smallHeap` if requested. */
export const oneFile = (
  options: { readonly name: string; readonly smallHeap?: boolean },
  ...args: ReadonlyArray<string | number>
): ReadonlyArray<string> =>
  node(`oneFile/${options.name}.js`, args, options.smallHeap === true ? ["--import", smallHeap] : [])
