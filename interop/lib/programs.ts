/**
 * The programs under test: the Rust peers, which are built with cargo, and the TypeScript programs, which run from their sources with the
 * Node that runs the tests.
 */
import { Effect, FileSystem } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { InteropError } from "./InteropError.ts"

const crate = new URL("../peer/", import.meta.url).pathname

/** The directory that cargo builds into: CARGO_TARGET_DIR, or `target` in the crate. */
export const targetDirectory = process.env.CARGO_TARGET_DIR ?? `${crate}target`

/** The built program. */
export const peerPath = `${targetDirectory}/release/interop-peer`

/** The built program that takes part in members-only topics. */
export const membersPeerPath = `${targetDirectory}/release/members-peer`

/** Builds the Rust peers. The output of cargo goes to the terminal. */
export const buildPeer = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const cargo = ChildProcess.make("cargo", ["build", "--release", "--workspace"], {
    cwd: crate,
    // The folder of rustup is not on every PATH.
    env: { CARGO_TARGET_DIR: targetDirectory, PATH: `${process.env.PATH}:${process.env.HOME}/.cargo/bin` },
    extendEnv: true,
    stdout: "inherit",
    stderr: "inherit",
  })
  const exitCode = yield* spawner
    .exitCode(cargo)
    .pipe(
      Effect.mapError(
        () => new InteropError({ message: "cargo is missing: install Rust 1.91 or later, for example from rustup.rs" }),
      ),
    )
  if (exitCode !== 0)
    return yield* new InteropError({ message: "the Rust peer does not build; see the output of cargo above" })
})

const built = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(files.exists(path), () => false)) return path
  return yield* new InteropError({
    message: `the Rust peer is not built: run "npm run test:interop", which needs cargo`,
  })
})

/** The path of the Rust peer. Fails if it is not built. */
export const peer = built(peerPath)

/** The path of the Rust program for members-only topics. Fails if it is not built. */
export const membersPeer = built(membersPeerPath)

/** The folder into which newer Python packages are installed than the system has. */
export const pythonPackages = `${targetDirectory}/python`

/** The absolute path of a file, given relative to this one. */
export const script = (relative: string): string => new URL(relative, import.meta.url).pathname

/** The TypeScript peer. */
export const typescript = {
  node: process.execPath,
  args: ["--conditions=@topic-tracker/source", script("../peer-ts/main.ts")],
} as const

/** The command `node`, as users run it. */
export const cli = {
  node: process.execPath,
  args: ["--conditions=@topic-tracker/source", script("../../packages/cli/src/node.ts")],
} as const
