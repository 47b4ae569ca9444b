/** Where the peers are that benchmarks run beside ours, if anywhere. None of them is needed. */
import { existsSync } from "node:fs"

const repository = new URL("../../../../", import.meta.url).pathname

/** The Rust programs: the program of the interop tests, but optimised, which theirs is not. */
const rustPeer = `${process.env.CARGO_TARGET_DIR ?? `${repository}interop/peer/target`}/optimised/interop-peer`

export const rust = {
  name: "Rust crate",
  path: existsSync(rustPeer) ? rustPeer : undefined,
  missing: `the Rust crate is not built: "npm run bench:rust" builds it, with cargo`,
}

const peers = new URL("../../peers/", import.meta.url).pathname

/** A program over npm packages that are installed apart from ours, by `npm run bench:peers`. */
const npm = (name: string, module: string, program: string) => ({
  name,
  path: existsSync(`${peers}node_modules/${module}`) ? `${peers}${program}` : undefined,
  missing: `${name} is not installed: "npm run bench:peers" installs it`,
})

export const gossipsub = npm("js-libp2p gossipsub", "@libp2p/gossipsub", "gossipsub.mjs")
export const hyperswarm = npm("hyperswarm", "hyperswarm", "hyperswarm.mjs")

export type Peer = typeof rust
