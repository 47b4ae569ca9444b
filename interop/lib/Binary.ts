/** Where the Rust peer is, and how it gets there. */
import { Effect, FileSystem } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { InteropError } from "./InteropError.ts"

const crate = new URL("../peer/", import.meta.url).pathname

/** The directory that cargo builds into: CARGO_TARGET_DIR, or `target` in the crate. */
export const targetDirectory = process.env.CARGO_TARGET_DIR ?? `${crate}target`

/** The built program. */
export const peerPath = `${targetDirectory}/release/interop-peer`

/** Builds the Rust peer with cargo, whose own output goes to the terminal. */
export const buildPeer = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const cargo = ChildProcess.make("cargo", ["build", "--release"], {
    cwd: crate,
    // rustup's own place, which is not on every PATH.
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
  if (exitCode !== 0) return yield* new InteropError({ message: "the Rust peer does not build; cargo says why above" })
})

/** The path of the Rust peer; fails when it is not built. */
export const peer = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(files.exists(peerPath), () => false)) return peerPath
  return yield* new InteropError({
    message: `the Rust peer is not built: run "npm run test:interop", which needs cargo`,
  })
})
