/**
 * The command of node.ts: one node in a topic. With `--json` standard output is one JSON object a line and nothing else; the
 * events and their fields are an interface, to be changed only by adding.
 */

import { bootstrap, integer, relay, secret, text } from "@topic-tracker/cli-kit/flags"
import { runCommand, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Gossip, type NeighborDownReason } from "@topic-tracker/gossip"
import { Cause, Console, Effect, Exit, Fiber, Option, type Redacted, Schedule, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { harmless, makeTeller } from "./account.ts"
import { leaveSignals } from "./earlySignals.ts"

const flags = {
  topic: text("topic", "The topic's name"),
  secret: secret("What only the topic's members know"),
  bootstrap,
  dhtPort: integer("dht-port", "The UDP port of the DHT client; 0 takes any (default 0)", 0, 65_535).pipe(
    Flag.withDefault(0),
  ),
  relay,
  send: text("send", "A text to broadcast again and again, with a number after it").pipe(Flag.optional),
  every: integer("every", "Milliseconds between broadcasts (default 1000)", 1, 86_400_000).pipe(Flag.withDefault(1000)),
  seconds: integer("seconds", "Leave after so many seconds; until interrupted unless given", 1, 31_536_000).pipe(
    Flag.optional,
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print events as JSON, one a line"), Flag.withDefault(false)),
}

type NodeEvent =
  | {
      readonly event: "ready"
      readonly endpointId: string
      readonly addresses: ReadonlyArray<string>
      readonly dhtPort: number
    }
  | { readonly event: "joined" }
  | { readonly event: "neighbor-up"; readonly peer: string }
  | { readonly event: "neighbor-down"; readonly peer: string; readonly reason: NeighborDownReason }
  | { readonly event: "message"; readonly text: string; readonly from: string; readonly scope: string }
  | { readonly event: "lagged"; readonly skipped: number }
  | { readonly event: "closed"; readonly reason: string }

type Print = (event: NodeEvent) => Effect.Effect<void>

/** `t` counts from the start of the process, so that it holds the time to load the program too. */
const printJson: Print = ({ event, ...rest }) =>
  Console.log(JSON.stringify({ event, t: Math.round(performance.now() * 10) / 10, ...rest }))

const makePrintText = Effect.map(
  makeTeller(),
  ({ tell }): Print =>
    (event) => {
      switch (event.event) {
        case "ready":
          return tell("ready", "green", `${event.endpointId.slice(0, 8)}… at ${whereOf(event.addresses)}`)
        case "joined":
          return tell("joined", "green", "the first neighbour is up")
        case "neighbor-up":
          return tell("up", "cyan", `${event.peer.slice(0, 8)}…`)
        case "neighbor-down":
          return tell("down", "dim", `${event.peer.slice(0, 8)}… (${event.reason})`)
        case "message":
          return tell("message", "yellow", `${event.from.slice(0, 8)}…: ${harmless(event.text)}`)
        case "lagged":
          return tell("lagged", "red", `${event.skipped} events were lost, being too slow`)
        case "closed":
          return tell("closed", "dim", event.reason)
      }
    },
)

/** Behind a NAT there may be none that is of use to others; what a relay measures comes later. */
const whereOf = (addresses: ReadonlyArray<string>): string =>
  addresses.length === 0 ? "no public address so far" : addresses.join(", ")

interface NodeOptions {
  readonly topic: string
  readonly secret: Redacted.Redacted<string>
  readonly send: Option.Option<string>
  readonly every: number
}

/** Takes part until interrupted. */
const takePart = Effect.fn("node")(function* ({ topic: name, secret, send, every }: NodeOptions, print: Print) {
  const gossip = yield* Gossip
  yield* gossip.ready
  const [address, dht] = yield* Effect.all([gossip.address, Effect.flatMap(Dht, (service) => service.address)])
  yield* print({ event: "ready", endpointId: gossip.endpointId, addresses: address.direct, dhtPort: dht.port })
  const topic = yield* Topic.joinNoWait({ topic: name, secret })
  const events = yield* topic.subscribe()
  let joined = false
  const listening = yield* events.pipe(
    Stream.runForEach((event) =>
      Effect.gen(function* () {
        switch (event._tag) {
          case "NeighborUp":
            if (!joined) yield* print({ event: "joined" })
            joined = true
            return yield* print({ event: "neighbor-up", peer: event.peer })
          case "NeighborDown":
            return yield* print({ event: "neighbor-down", peer: event.peer, reason: event.reason })
          case "Message": {
            const text = event.text ?? `${event.content.length} bytes that are no text`
            return yield* print({ event: "message", text, from: event.from, scope: event.scope })
          }
          case "Lagged":
            return yield* print({ event: "lagged", skipped: event.skipped })
        }
      }),
    ),
    Effect.forkScoped,
  )
  if (Option.isSome(send)) {
    let number = 0
    yield* Effect.suspend(() => topic.broadcast(`${send.value} ${number++}`)).pipe(
      Effect.catch((error) => Effect.logWarning(`not sent: ${error.message}`)),
      Effect.repeat(Schedule.spaced(every)),
      Effect.forkScoped,
    )
  }
  yield* Fiber.join(listening)
}, Effect.scoped)

const node = Command.make(
  "node",
  flags,
  Effect.fn(function* ({ bootstrap, dhtPort, relay, seconds, json, ...options }) {
    const print = json ? printJson : yield* makePrintText
    const layer = TopicTracker.layer({
      config: {
        dht: { bootstrap, port: dhtPort },
        network: { relays: relay?.length === 0 ? "none" : relay },
      },
    })
    const running = takePart(options, print).pipe(
      Effect.provide(layer),
      Effect.mapError((error) => {
        const isPort = error._tag === "DhtError" && error.reason === "Bind"
        return new UsageError({ message: isPort ? `--dht-port: ${error.message}` : error.message })
      }),
      Effect.as("the topic was closed"),
    )
    const limited = Option.isNone(seconds)
      ? running
      : running.pipe(
          Effect.timeoutOrElse({
            duration: `${seconds.value} seconds`,
            orElse: () => Effect.succeed(`${seconds.value} s are over`),
          }),
        )
    // After the layers are released: whoever reads `closed` may rely on the sockets being free.
    yield* Effect.andThen(Effect.sync(leaveSignals), limited).pipe(
      Effect.onExit((exit) => {
        if (Exit.isSuccess(exit)) return print({ event: "closed", reason: exit.value })
        return Cause.hasInterruptsOnly(exit.cause) ? print({ event: "closed", reason: "interrupted" }) : Effect.void
      }),
    )
  }),
).pipe(
  Command.withDescription("Run one node in a topic: it finds the others by name and secret, and prints what it hears."),
)

runCommand(node, { whenInterrupted: 0 })
