/** The command `node`: one node in a topic, which prints what it hears and can broadcast a text repeatedly. */

import { releaseSignals } from "@topic-tracker/cli-kit/earlySignals"
import { bootstrap, integer, relay, text } from "@topic-tracker/cli-kit/flags"
import { UsageError } from "@topic-tracker/cli-kit/runCommand"
import { readSecret, secretFlags } from "@topic-tracker/cli-kit/secret"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Cause, Effect, Exit, Fiber, Option, type Redacted, Schedule, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { jsonOutput, makeTextOutput, type NodeOutput } from "./nodeEvents.ts"

const flags = {
  topic: text("topic", "The topic's name"),
  ...secretFlags("The secret of the topic, known to its members only"),
  bootstrap,
  dhtPort: integer("dht-port", "The UDP port of the DHT client; 0 takes any free port (default 0)", 0, 65_535).pipe(
    Flag.withDefault(0),
  ),
  relay,
  send: text(
    "send",
    "A text to broadcast repeatedly, as TEXT N from ID: a number and the node's id follow it, since gossip drops repeated content",
  ).pipe(Flag.optional),
  every: integer("every", "Milliseconds between broadcasts (default 1000)", 1, 86_400_000).pipe(Flag.withDefault(1000)),
  seconds: integer("seconds", "Leave after this many seconds (default: run until interrupted)", 1, 31_536_000).pipe(
    Flag.optional,
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print events as JSON, one on each line"),
    Flag.withDefault(false),
  ),
}

/** The interval at which the text output repeats that there is no neighbour yet. */
const WAITING_EVERY_SECONDS = 30

interface NodeOptions {
  readonly topic: string
  readonly secret: Redacted.Redacted<string>
  readonly send: Option.Option<string>
  readonly every: number
}

/** Runs the node until it is interrupted. */
const runNode = Effect.fn("node")(function* ({ topic: name, secret, send, every }: NodeOptions, output: NodeOutput) {
  const { printEvent } = output
  const gossip = yield* Gossip
  yield* gossip.ready
  const [address, dht] = yield* Effect.all([gossip.address, Effect.flatMap(Dht, (service) => service.address)])
  const { endpointId } = gossip
  yield* printEvent({ event: "ready", endpointId, addresses: address.direct, dhtPort: dht.port })
  yield* output.printWaiting(0)
  const topic = yield* Topic.joinNoWait({ topic: name, secret })
  const events = yield* topic.subscribe()
  let joined = false
  const listening = yield* events.pipe(
    Stream.runForEach((event) =>
      Effect.gen(function* () {
        switch (event._tag) {
          case "NeighborUp":
            if (!joined) yield* printEvent({ event: "joined" })
            joined = true
            return yield* printEvent({ event: "neighbor-up", peer: event.peer })
          case "NeighborDown":
            return yield* printEvent({ event: "neighbor-down", peer: event.peer, reason: event.reason })
          case "Message": {
            const text = event.text ?? `${event.content.length} bytes that are not text`
            return yield* printEvent({ event: "message", text, from: event.deliveredFrom, scope: event.scope })
          }
          case "Lagged":
            return yield* printEvent({ event: "lagged", skipped: event.skipped })
        }
      }),
    ),
    Effect.forkScoped,
  )
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      for (let seconds = WAITING_EVERY_SECONDS; ; seconds += WAITING_EVERY_SECONDS) {
        yield* Effect.sleep(`${WAITING_EVERY_SECONDS} seconds`)
        if (joined) return
        yield* output.printWaiting(seconds)
      }
    }),
  )
  if (Option.isSome(send)) {
    let number = 0
    // Without the id two nodes with the same text would send the same bytes, and each would drop the other's messages.
    yield* Effect.suspend(() => topic.broadcast(`${send.value} ${number++} from ${endpointId.slice(0, 8)}`)).pipe(
      Effect.catch((error) => Effect.logWarning(`not sent: ${error.message}`)),
      Effect.repeat(Schedule.spaced(every)),
      Effect.forkScoped,
    )
  }
  yield* Fiber.join(listening)
}, Effect.scoped)

export const nodeCommand = Command.make(
  "node",
  flags,
  Effect.fn(function* ({ bootstrap, dhtPort, relay, seconds, json, secret, secretFile, ...options }) {
    const output = json ? jsonOutput : yield* makeTextOutput
    const layer = TopicTracker.layer({
      config: {
        dht: { bootstrap, port: dhtPort },
        network: { relays: relay?.length === 0 ? "none" : relay },
      },
    })
    const running = Effect.flatMap(readSecret({ secret, secretFile }), (theSecret) =>
      runNode({ ...options, secret: theSecret }, output).pipe(
        Effect.provide(layer),
        Effect.mapError((error) => {
          const isPort = error._tag === "DhtError" && error.reason === "Bind"
          return new UsageError({ message: isPort ? `--dht-port: ${error.message}` : error.message })
        }),
        Effect.as("the topic was closed"),
      ),
    )
    const limited = Option.isNone(seconds)
      ? running
      : running.pipe(
          Effect.timeoutOrElse({
            duration: `${seconds.value} seconds`,
            orElse: () => Effect.succeed(`${seconds.value} s are over`),
          }),
        )
    // Printed after the layers are released: a reader of `closed` may rely on the sockets being free.
    yield* Effect.andThen(Effect.sync(releaseSignals), limited).pipe(
      Effect.onExit((exit) => {
        if (Exit.isSuccess(exit)) return output.printEvent({ event: "closed", reason: exit.value })
        return Cause.hasInterruptsOnly(exit.cause)
          ? output.printEvent({ event: "closed", reason: "interrupted" })
          : Effect.void
      }),
    )
  }),
).pipe(
  Command.withDescription("Run one node in a topic: it finds the others by name and secret, and prints what it hears."),
)
