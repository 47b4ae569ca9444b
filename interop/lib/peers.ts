/** Starts the nodes under test. The functions are the same for both languages. */
import { Effect } from "effect"
import { InteropError } from "./InteropError.ts"
import type { Host } from "./Lab.ts"
import { type Program, start } from "./Program.ts"
import { membersPeer, peer, typescript } from "./programs.ts"

/** The language of a program. */
export type Language = "Rust" | "TS"
export const languages: ReadonlyArray<Language> = ["Rust", "TS"]

/** Intervals of a node that are short enough for a test. */
export const fastWorkers = { publishEvery: 5_000, bubbleMergeEvery: 5_000, overlapMergeEvery: 0 }

/** A running node. */
export interface Node extends Program {
  readonly language: Language
  readonly endpointId: string
  readonly addresses: ReadonlyArray<string>
  /** `ID@IP:port`, the argument for other nodes to join this one. */
  readonly contact: string
}

/** Options of a program, as `--name value`. Undefined options are left out. */
export type Options = Record<string, string | number | undefined>

const words = (options: Options): ReadonlyArray<string> =>
  Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))

/** Starts a program. Commands and options are the same in both languages. */
export const program = Effect.fn("peers.program")(function* (
  language: Language,
  host: Host,
  name: string,
  command: string,
  options: Options,
  log?: string,
) {
  // A node dials loopback addresses only if it is bound to loopback.
  const isLocal = host.address.startsWith("127.")
  const args = [command, ...words({ ...(isLocal ? { bind: host.address } : {}), ...options })]
  return language === "Rust"
    ? yield* start(
        host,
        name,
        yield* command === "members" ? membersPeer : peer,
        args,
        log === undefined ? {} : { env: { RUST_LOG: log, NO_COLOR: "1" } },
      )
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
    return yield* new InteropError({ message: `${name} has no address ${host.address}, only ${addresses.join(", ")}` })
  }
  const result: Node = { ...started, language, endpointId, addresses, contact: `${endpointId}@${address}` }
  return result
})

/** Options of {@link tracker}. */
export interface TrackerOptions {
  readonly topic: string
  readonly secret?: string
  /** DHT nodes. The Rust tracker uses them for addresses only, and the four public names for records. */
  readonly bootstrap: string
  readonly key?: string
  /** The URL of the relay. Without it no relay is used. */
  readonly relay?: string
  readonly publishEvery?: number
  /** 0 turns the merge off. */
  readonly bubbleMergeEvery?: number
  readonly overlapMergeEvery?: number
  /** The longest wait before a lost neighbour is dialled again. The Rust tracker never does so. */
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
        "the Rust tracker asks the public DHT names, which resolve to the test's DHT only in a network namespace, " +
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

/** Options of {@link gossip}. */
export interface GossipOptions {
  readonly topic: string
  /** `ID` or `ID@IP:port`. */
  readonly join?: ReadonlyArray<string>
  /** Nodes of the DHT for addresses. */
  readonly bootstrap?: string
  readonly shuffleEvery?: number
  readonly maxMessageSize?: number
  readonly key?: string
  /** RUST_LOG of the Rust peer. */
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

/** Options of {@link members}. */
export interface MembersOptions {
  readonly topic: string
  readonly secret: string
  readonly channel: string
  /** `ID@IP:port`. */
  readonly join?: ReadonlyArray<string>
}

/** A member of a members-only topic, in Rust on plain iroh-gossip. It broadcasts in the channel, and prints the channel's messages. */
export const members = (language: Language, host: Host, name: string, { join = [], ...options }: MembersOptions) =>
  node(language, host, name, "members", { ...options, join: join.length === 0 ? undefined : join.join(",") })

/** An endpoint that prints the gossip frames that it receives. Only in Rust: it decodes with the types of iroh-gossip. */
export const tap = (host: Host, name: string) => node("Rust", host, name, "tap", {})
