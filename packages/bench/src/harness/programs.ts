/**
 * Runs the programs of a benchmark, each in its own process: nothing is warm by accident, and memory and processor time belong to
 * one program. Each prints JSON, one value on each line. All end with the scope or at their time limit.
 */
import { type Duration, Effect, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { BenchmarkFailed } from "./Benchmark.ts"

const bench = new URL("../../", import.meta.url).pathname

/** The folder of the built package, with a slash at the end. */
export const dist = `${bench}dist/`

/** The module that the commands load first: it enables Node's cache of compiled code. */
export const compileCache = new URL("../../scripts/start.mjs", `file://${bench}`).pathname

/** The command line that runs a file of {@link dist} with Node and these options. */
export const node = (
  file: string,
  args: ReadonlyArray<string | number>,
  options: ReadonlyArray<string> = [],
): ReadonlyArray<string> => [process.execPath, "--expose-gc", ...options, `${dist}${file}`, ...args.map(String)]

/** The command line of a program of `src/programs`. It must have been built, see {@link build}. */
export const ours = (name: string, ...args: ReadonlyArray<string | number>): ReadonlyArray<string> =>
  node(`programs/${name}.js`, args)

/** A child that does not end by SIGTERM, when its scope closes, is killed. */
const killed = { forceKillAfter: "1 second" } as const

/**
 * Builds the packages and the programs: users install JavaScript, which loads in less time and memory than TypeScript whose types
 * Node removes while it loads. The compiler's output goes to standard error.
 */
export const build = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const tsc = ChildProcess.make("tsc", ["-b", bench], { stdout: "inherit", stderr: "inherit", ...killed })
  if ((yield* spawner.exitCode(tsc)) !== 0) return yield* new BenchmarkFailed({ message: "compile errors" })
}).pipe(Effect.mapError((error) => new BenchmarkFailed({ message: `the build: ${error.message}` })))

const spawn = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const [program = "", ...args] = words
  return yield* spawner.spawn(ChildProcess.make(program, args, { stderr: "inherit", ...killed }))
})

const failed = (words: ReadonlyArray<string>) => (error: { readonly message: string }) =>
  new BenchmarkFailed({ message: `${words.join(" ")}: ${error.message}` })

/** Runs a program to its end. Returns the last line that it printed. */
export const run = <A>(
  schema: Schema.Codec<A, unknown>,
  words: ReadonlyArray<string>,
  within: Duration.Input = "2 minutes",
): Effect.Effect<A, BenchmarkFailed, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.gen(function* () {
    const handle = yield* spawn(words)
    const output = yield* handle.stdout.pipe(Stream.decodeText(), Stream.mkString)
    const exitCode = yield* handle.exitCode
    if (exitCode !== 0) return yield* new BenchmarkFailed({ message: `exit code ${exitCode}` })
    return yield* parse(schema, output.trim().split("\n").at(-1) ?? "")
  }).pipe(Effect.scoped, Effect.timeout(within), Effect.mapError(failed(words)))

/** Starts a program that runs until the scope closes. Returns the first line that it prints. */
export const start = <A>(schema: Schema.Codec<A, unknown>, words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const handle = yield* spawn(words)
    const line = yield* handle.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runHead)
    return yield* parse(schema, line._tag === "Some" ? line.value : "")
  }).pipe(Effect.timeout("60 seconds"), Effect.mapError(failed(words)))

const parse = <A>(schema: Schema.Codec<A, unknown>, line: string) =>
  Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(line)

/** The output of the program `testnets`: the first port of each testnet. */
export const Ports = Schema.NonEmptyArray(Schema.Int)
