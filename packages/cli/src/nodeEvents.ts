/** The events of the command `node`, printed as JSON for programs or as lines for people. The JSON is an interface: add to it only. */
import type { Access } from "@topic-tracker/cli-kit/topic"
import type { DoorFailure, NeighborDownReason } from "@topic-tracker/gossip"
import { Console, Effect, Layer, Logger } from "effect"
import { escapeControlCharacters, makeLinePrinter, shortId } from "./terminalLines.ts"

export type NodeEvent =
  | {
      readonly event: "ready"
      readonly endpointId: string
      readonly addresses: ReadonlyArray<string>
      readonly dhtPort: number
      readonly access: Access
    }
  /** The text of an invitation to the topic, for `--invite`. */
  | { readonly event: "invite"; readonly invite: string }
  | { readonly event: "joined" }
  | { readonly event: "neighbor-up"; readonly peer: string }
  | { readonly event: "neighbor-down"; readonly peer: string; readonly reason: NeighborDownReason }
  /** `from` is the neighbour that delivered the message, not necessarily its author. */
  | { readonly event: "message"; readonly text: string; readonly from: string; readonly scope: string }
  | {
      readonly event: "channel"
      readonly channel: string
      readonly author: string
      readonly seq: number
      readonly text: string
    }
  /** Nobody has these messages of the author any more. */
  | {
      readonly event: "missed"
      readonly channel: string
      readonly author: string
      readonly from: number
      readonly to: number
    }
  /** A message of the channel that is no text: a program with another schema sent it. */
  | { readonly event: "undecodable"; readonly channel: string; readonly author: string; readonly seq: number }
  /** A member of the topic, also this node itself. */
  | {
      readonly event: "member"
      readonly member: string
      readonly change: "joined" | "updated" | "left" | "lost"
      readonly state: unknown
    }
  /** A peer that is no neighbour: it did not prove the secret, or, with `byPeer`, it did not take our proof. */
  | { readonly event: "refused"; readonly peer: string; readonly reason: DoorFailure; readonly byPeer: boolean }
  /** This node was a member, and no member lets it in any more. */
  | { readonly event: "access-lost" }
  /** Other nodes joined this topic with another access: they and this node cannot meet. */
  | { readonly event: "access-mismatch"; readonly theirs: Access }
  /** The secret opens none of the records of this topic. */
  | { readonly event: "nothing-opens"; readonly records: number }
  /** An answered call of a peer. */
  | { readonly event: "call"; readonly from: string; readonly method: string }
  | { readonly event: "lagged"; readonly skipped: number }
  | { readonly event: "closed"; readonly reason: string }

export interface NodeOutput {
  readonly printEvent: (event: NodeEvent) => Effect.Effect<void>
  /** Reports that there is no neighbour yet, `seconds` after the start of the search. */
  readonly printWaiting: (seconds: number) => Effect.Effect<void>
  /** The logger of the node's library: what goes wrong in it, on standard error. */
  readonly loggers: Layer.Layer<never>
}

/** One JSON object for each event, and nothing else. `t` is ms since the start of the process, so it includes the loading time. */
export const jsonOutput: NodeOutput = {
  printEvent: ({ event, ...rest }) =>
    Console.log(JSON.stringify({ event, t: Math.round(performance.now() * 10) / 10, ...rest })),
  printWaiting: () => Effect.void,
  loggers: Layer.empty,
}

export const makeTextOutput = Effect.map(
  makeLinePrinter(),
  ({ logger, printLine }): NodeOutput => ({
    loggers: Logger.layer([logger]),
    printEvent: (event) => {
      switch (event.event) {
        case "ready":
          return printLine("ready", "green", `${shortId(event.endpointId)} at ${addressList(event.addresses)}`)
        case "invite":
          return printLine("invite", "cyan", event.invite)
        case "joined":
          return printLine("joined", "green", "the first neighbour is up")
        case "neighbor-up":
          return printLine("up", "cyan", shortId(event.peer))
        case "neighbor-down":
          return printLine("down", "dim", `${shortId(event.peer)} (${event.reason})`)
        case "message":
          return printLine("message", "yellow", `${escapeControlCharacters(event.text)}  (via ${shortId(event.from)})`)
        case "channel":
          return printLine("channel", "yellow", `${escapeControlCharacters(event.text)}  (by ${shortId(event.author)})`)
        case "missed":
          return printLine("missed", "red", `${numbers(event)} of ${shortId(event.author)}: no node has them any more`)
        case "undecodable":
          return printLine("channel", "yellow", `message ${event.seq} of ${shortId(event.author)} is not text`)
        case "member": {
          const state = escapeControlCharacters(JSON.stringify(event.state))
          return printLine("member", "green", `${shortId(event.member)} ${event.change}  ${state}`)
        }
        case "refused": {
          const who = event.byPeer ? `by ${shortId(event.peer)}` : shortId(event.peer)
          return printLine("refused", "red", `${who}: ${REFUSALS[event.reason]}`)
        }
        case "access-lost":
          return printLine("access", "red", "no member lets this node in any more: it may lack a new secret")
        // The topic warns of both.
        case "access-mismatch":
        case "nothing-opens":
          return Effect.void
        case "call":
          return printLine("call", "yellow", `${event.method}  (from ${shortId(event.from)})`)
        case "lagged":
          return printLine("lagged", "red", `${event.skipped} events were lost: this program was too slow`)
        case "closed":
          return printLine("closed", "dim", event.reason)
      }
    },
    printWaiting: (seconds) =>
      printLine(
        "waiting",
        "blue",
        seconds === 0 ? "for the first peer of the topic" : `still for the first peer, after ${seconds} s`,
      ),
  }),
)

const REFUSALS: Readonly<Record<DoorFailure, string>> = {
  "not here": "another topic or secret",
  version: "another version of the protocol",
  clock: "the clocks are too far apart",
  "not allowed": "not allowed",
  busy: "too many want to come in, later again",
  "proof wrong": "the proof of the secret is wrong",
  time: "no proof of the secret in time",
  malformed: "no proof of the secret, but something else",
}

const numbers = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  from === to ? `message ${from}` : `messages ${from} to ${to}`

/** Behind a NAT there may be no address that other nodes could use; addresses found with a relay's help come later. */
const addressList = (addresses: ReadonlyArray<string>): string =>
  addresses.length === 0 ? "no public address so far" : addresses.join(", ")
