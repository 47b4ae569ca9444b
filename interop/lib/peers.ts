/** The nodes under test, of either language, under one description: who they are is the only difference in a test. */
import { Effect } from "effect"
import { peer } from "./Binary.ts"
import { InteropError } from "./InteropError.ts"
import type { Host } from "./Lab.ts"
import { type Program, start } from "./Program.ts"
import { typescript } from "./typescript.ts"

export type Language = "Rust" | "TS"
export const languages: ReadonlyArray<Language> = ["Rust", "TS"]

export interface Node extends Program {
  readonly language: Language
  readonly endpointId: string
  readonly addresses: ReadonlyArray<string>
  /** `ID@IP:port`: what another node is told to join this one with. */
  readonly contact: string
}

/** Options of a program, as `--name value`; those that are undefined are left out. */
export type Options = Record<string, string | number | undefined>

const words = (options: Options): ReadonlyArray<string> =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))

/** Starts a program of either language, which has the same commands and options in both. */
export const program = Effect.fn("peers.program")(function* (
  language: Language,
  host: Host,
  name: string,
  command: string,
  options: Options,
  log?: string,
) {
  const args = [command, ...words({ ...(host.isMachine ? { bind: host.address } : {}), ...options })]
  return language === "Rust"
    ? yield* start(host, name, yield* peer, args, log === undefined ? {} : { env: { RUST_LOG: log, NO_COLOR: "1" } })
    : yield* start(host, name, typescript.node, [...typescript.args, ...args])
})

const node = Effect.fn("peers.node")(function* (
  language: Language,
  host: Host,
  name: string,
  command: string,
  options: Options,
  log?: string,
) {
  const started = yield* program(language, host, name, command, options, log)
  const { addresses, endpointId } = yield* started.first("ready")
  const address = addresses.find((candidate) => candidate.startsWith(`${host.address}:`))
  if (address === undefined) {
    return yield* new InteropError({ message: `${name} is not at ${host.address} but at ${addresses.join(", ")}` })
  }
  const result: Node = { ...started, language, endpointId, addresses, contact: `${endpointId}@${address}` }
  return result
})

export interface TrackerOptions {
  readonly topic: string
  readonly secret?: string
  /** Of the DHT. The Rust tracker uses it for addresses only, and the four public names for records. */
  readonly bootstrap: string
  readonly key?: string
  /** URL of the relay to use; without it none is. */
  readonly relay?: string
  readonly publishEvery?: number
  /** 0 turns the merge off. */
  readonly bubbleMergeEvery?: number
  readonly overlapMergeEvery?: number
  /** The longest wait before a lost neighbour is asked again; the Rust tracker asks none. */
  readonly reconnectEvery?: number
}

/** A node of a topic: tracker and gossip. */
export const tracker = Effect.fn("peers.tracker")(function* (
  language: Language,
  host: Host,
  name: string,
  options: TrackerOptions,
) {
  if (language === "Rust" && !host.hasNames) {
    return yield* new InteropError({
      message:
        "the Rust tracker asks the public DHT names, which only a network namespace can lead to the test's DHT, " +
        "and none can be made here: run as root, or allow user namespaces (kernel.unprivileged_userns_clone)",
    })
  }
  return yield* node(language, host, name, "tracker", {
    topic: options.topic,
    secret: options.secret ?? "a shared secret",
    bootstrap: options.bootstrap,
    key: options.key,
    relay: options.relay,
    "publish-every": options.publishEvery,
    "bubble-merge-every": options.bubbleMergeEvery,
    "overlap-merge-every": options.overlapMergeEvery,
    "reconnect-every": options.reconnectEvery,
  })
})

/** A relay server, and its URL. */
export const relay = Effect.fn("peers.relay")(function* (host: Host) {
  const program = yield* start(host, "relay", yield* peer, ["relay", "--bind", host.address])
  return (yield* program.first("relay")).url
})

export interface GossipOptions {
  readonly topic: string
  /** `ID` or `ID@IP:port`. */
  readonly join?: ReadonlyArray<string>
  /** A DHT that addresses are published to and looked up in. */
  readonly bootstrap?: string
  readonly shuffleEvery?: number
  readonly maxMessageSize?: number
  readonly key?: string
  /** What the Rust peer logs, as RUST_LOG has it. */
  readonly log?: string
}

/** A gossip node without the tracker. */
export const gossip = (language: Language, host: Host, name: string, options: GossipOptions) =>
  node(
    language,
    host,
    name,
    "gossip",
    {
      topic: options.topic,
      join: options.join?.length === 0 ? undefined : options.join?.join(","),
      bootstrap: options.bootstrap,
      "shuffle-every": options.shuffleEvery,
      "max-message-size": options.maxMessageSize,
      key: options.key,
    },
    options.log,
  )

/** An endpoint that shows the gossip frames it is sent; only there in Rust, for it decodes with the reference's types. */
export const tap = (host: Host, name: string) => node("Rust", host, name, "tap", {})
