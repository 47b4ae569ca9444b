/**
 * What the programs under test say and are told: JSON objects, one a line. Rust and TypeScript programs speak alike, so a
 * test need not know which one it has.
 */
import { Schema } from "effect"

const event = <const Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({ event: Schema.Literal(name), ...fields })

const Peer = Schema.String
const Addresses = Schema.Array(Schema.String)

export const ProgramEvent = Schema.Union([
  event("ready", { endpointId: Peer, addresses: Addresses, dhtPort: Schema.optionalKey(Schema.NullOr(Schema.Number)) }),
  /** The addresses of a testnet's DHT nodes. */
  event("testnet", { addresses: Addresses }),
  /** Where a relay is. */
  event("relay", { url: Schema.String }),
  event("joined", {}),
  event("neighbor-up", { peer: Peer }),
  event("neighbor-down", { peer: Peer }),
  event("message", {
    text: Schema.String,
    from: Peer,
    scope: Schema.Literals(["swarm", "neighbors"]),
    /** The content, exactly. */
    hex: Schema.optionalKey(Schema.String),
    /** Hops from the author. */
    round: Schema.optionalKey(Schema.Number),
    t: Schema.Number,
  }),
  event("lagged", {}),
  event("closed", {}),
  /** Answers the command `neighbors`. */
  event("neighbors", { peers: Schema.Array(Peer) }),
  /** Answers the commands `broadcast` and `send`. */
  event("sent", {}),
  event("error", { message: Schema.String }),
  event("stored", {
    record: Schema.optionalKey(Schema.String),
    target: Schema.optionalKey(Schema.String),
    /** How many DHT nodes stored it, of how many asked. */
    nodes: Schema.optionalKey(Schema.Number),
    asked: Schema.optionalKey(Schema.Number),
  }),
  event("item", { seq: Schema.String, value: Schema.String }),
  /** A record in hex, and the peers that its content names, as the program's own decoder reads it. */
  event("record", { publicKey: Schema.String, activePeers: Schema.Array(Schema.String), record: Schema.String }),
  event("addresses", { addresses: Addresses, relays: Schema.Array(Schema.String) }),
  event("done", { count: Schema.Number }),
  event("connected", { peer: Peer }),
  event("disconnected", { reason: Schema.String }),
  /** A gossip frame that the tap was sent. */
  event("frame", {
    stream: Schema.Number,
    index: Schema.Number,
    hex: Schema.String,
    message: Schema.String,
    /** Whether the reference encodes what it decoded to the same bytes. */
    canonical: Schema.Boolean,
  }),
  event("stream-end", { stream: Schema.Number, reason: Schema.String }),
])

export type ProgramEvent = typeof ProgramEvent.Type
export type EventOf<Name extends ProgramEvent["event"]> = Extract<ProgramEvent, { readonly event: Name }>

export const decodeEvent = Schema.decodeUnknownResult(Schema.fromJsonString(ProgramEvent))

/** What a program is told on its standard input. */
export type Command =
  | { readonly do: "broadcast"; readonly hex: string; readonly scope?: "swarm" | "neighbors" }
  | { readonly do: "join"; readonly peers: ReadonlyArray<string> }
  /** Of ours only: a link to each of them. */
  | { readonly do: "link"; readonly peers: ReadonlyArray<string> }
  | { readonly do: "neighbors" }
  | { readonly do: "quit" }
  | { readonly do: "connect"; readonly peer: string }
  | { readonly do: "send"; readonly frames: ReadonlyArray<string>; readonly fresh?: boolean }
