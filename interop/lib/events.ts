/**
 * The events that the programs under test print and the commands that they read: JSON objects, one per line. They are the same for Rust and
 * TypeScript, so a test does not depend on the language.
 */
import { Schema } from "effect"

const event = <const Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({ event: Schema.Literal(name), ...fields })

const Peer = Schema.String
const Addresses = Schema.Array(Schema.String)

/** An event of a program. */
export const ProgramEvent = Schema.Union([
  event("ready", { endpointId: Peer, addresses: Addresses, dhtPort: Schema.optionalKey(Schema.NullOr(Schema.Number)) }),
  /** The addresses of a testnet's DHT nodes. */
  event("testnet", { addresses: Addresses }),
  /** The URL of a relay. */
  event("relay", { url: Schema.String }),
  event("joined", {}),
  event("neighbor-up", { peer: Peer }),
  event("neighbor-down", { peer: Peer }),
  event("message", {
    text: Schema.String,
    from: Peer,
    scope: Schema.Literals(["swarm", "neighbors"]),
    /** The bytes of the content. */
    hex: Schema.optionalKey(Schema.String),
    /** The number of hops from the author. */
    round: Schema.optionalKey(Schema.Number),
    t: Schema.Number,
  }),
  event("lagged", {}),
  event("closed", {}),
  /** Answers the command `neighbors`. */
  event("neighbors", { peers: Schema.Array(Peer) }),
  /** Answers the commands `broadcast` and `send`. */
  event("sent", {}),
  /** A door did not open, and an envelope was not taken: of members-only topics. */
  event("refused", { peer: Peer, reason: Schema.String }),
  event("ignored", { reason: Schema.String }),
  event("error", { message: Schema.String }),
  event("stored", {
    record: Schema.optionalKey(Schema.String),
    target: Schema.optionalKey(Schema.String),
    /** The number of DHT nodes that stored it, and of those asked. */
    nodes: Schema.optionalKey(Schema.Number),
    asked: Schema.optionalKey(Schema.Number),
  }),
  event("item", { seq: Schema.String, value: Schema.String }),
  /** A record in hex, and the peers of its content from the program's own decoder. */
  event("record", { publicKey: Schema.String, activePeers: Schema.Array(Schema.String), record: Schema.String }),
  event("addresses", { addresses: Addresses, relays: Schema.Array(Schema.String) }),
  event("done", { count: Schema.Number }),
  event("connected", { peer: Peer }),
  event("disconnected", { reason: Schema.String }),
  /** A gossip frame that the tap received. */
  event("frame", {
    stream: Schema.Number,
    index: Schema.Number,
    hex: Schema.String,
    message: Schema.String,
    /** Whether the crate encodes the decoded frame to the same bytes. */
    canonical: Schema.Boolean,
  }),
  event("stream-end", { stream: Schema.Number, reason: Schema.String }),
])

export type ProgramEvent = typeof ProgramEvent.Type
/** The event with this name. */
export type EventOf<Name extends ProgramEvent["event"]> = Extract<ProgramEvent, { readonly event: Name }>

/** Decodes a line of output. */
export const decodeEvent = Schema.decodeUnknownResult(Schema.fromJsonString(ProgramEvent))

/** A command on the standard input of a program. */
export type Command =
  | { readonly do: "broadcast"; readonly hex: string; readonly scope?: "swarm" | "neighbors" }
  | { readonly do: "join"; readonly peers: ReadonlyArray<string> }
  /** Only for our programs: connects to each of these peers. */
  | { readonly do: "link"; readonly peers: ReadonlyArray<string> }
  | { readonly do: "neighbors" }
  | { readonly do: "quit" }
  | { readonly do: "connect"; readonly peer: string }
  | { readonly do: "send"; readonly frames: ReadonlyArray<string>; readonly fresh?: boolean }
