/** Programs of other projects that are measured in the same run, if they are installed. No peer is necessary. */
import { existsSync } from "node:fs"
import { Effect, type Schema } from "effect"
import type { Run } from "./Benchmark.ts"
import * as Programs from "./programs.ts"

const repository = new URL("../../../../", import.meta.url).pathname

/** The Rust crate: the program of the interop tests, but optimised. */
const rustPeer = `${process.env.CARGO_TARGET_DIR ?? `${repository}interop/peer/target`}/optimised/interop-peer`

export interface Peer {
  readonly name: string
  /** The program's file; undefined if it is not installed. */
  readonly path: string | undefined
  /** A text for the user if it is not installed: the command that installs it. */
  readonly missing: string
}

export const rust: Peer = {
  name: "Rust crate",
  path: existsSync(rustPeer) ? rustPeer : undefined,
  missing: `the Rust crate is not built: "npm run bench:rust" builds it, with cargo`,
}

const folder = new URL("../../peers/", import.meta.url).pathname

/** A program on npm packages that `npm run bench:peers` installs separately. */
const npmPeer = (name: string, module: string, program: string): Peer => ({
  name,
  path: existsSync(`${folder}node_modules/${module}`) ? `${folder}${program}` : undefined,
  missing: `${name} is not installed: "npm run bench:peers" installs it`,
})

export const gossipsub = npmPeer("js-libp2p gossipsub", "@libp2p/gossipsub", "gossipsub.mjs")
export const hyperswarm = npmPeer("hyperswarm", "hyperswarm", "hyperswarm.mjs")

/** The figures that the peer's program prints; undefined, with a line for the user, if it is not installed or fails. */
export const figuresOf = <A>(
  run: Run,
  peer: Peer,
  schema: Schema.Codec<A, unknown>,
  args: ReadonlyArray<string | number>,
  wrap: (words: ReadonlyArray<string>) => ReadonlyArray<string> = (words) => words,
) => {
  const { path } = peer
  if (path === undefined) return Effect.as(run.report(peer.missing), undefined)
  const words = path.endsWith(".mjs") ? [process.execPath, path] : [path]
  return Programs.run(schema, wrap([...words, ...args.map(String)]), "10 minutes").pipe(
    Effect.catch((error) => Effect.as(run.report(`${peer.name} failed: ${error.message}`), undefined)),
  )
}
