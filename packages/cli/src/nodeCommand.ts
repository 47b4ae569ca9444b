/** The command `node`: one node in a topic, which prints what it hears and can send a text repeatedly, to all or in a channel. */

import { trackerLayer } from "@topic-tracker/cli-kit/configFile"
import { releaseSignals } from "@topic-tracker/cli-kit/earlySignals"
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { bootstrap, dhtPort, integer, jsonEvents, relay, text } from "@topic-tracker/cli-kit/flags"
import { identityFileFlag } from "@topic-tracker/cli-kit/identityFile"
import { cacheFlag } from "@topic-tracker/cli-kit/nodeCache"
import { UsageError } from "@topic-tracker/cli-kit/runCommand"
import { type Access, type ReadTopic, readTopic, topicFlags } from "@topic-tracker/cli-kit/topic"
import { Topic, TrackerMetrics } from "@topic-tracker/core"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Cause, Effect, Exit, Fiber, Layer, Option, Redacted, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { channelFlag, openTextChannel } from "./nodeChannel.ts"
import { jsonOutput, makeTextOutput, type NodeOutput } from "./nodeEvents.ts"
import { presenceFlag, showMembers } from "./nodePresence.ts"
import { checkSize, sendRepeatedly } from "./nodeSend.ts"
import { summaries } from "./summaries.ts"

const flags = {
  ...topicFlags(),
  channel: channelFlag,
  serve: Flag.Literals("serve", ["echo"]).pipe(
    Flag.withDescription("echo: answer calls of the command call"),
    Flag.optional,
  ),
  presence: presenceFlag,
  printInvite: Flag.Boolean("print-invite").pipe(
    Flag.withDescription(
      "Print an invitation with this node's address. It has the secret: whoever reads it can take part",
    ),
    Flag.withDefault(false),
  ),
  bootstrap,
  dhtPort,
  relay,
  cache: cacheFlag,
  identityFile: identityFileFlag,
  send: text(
    "send",
    "A text to send repeatedly: in the channel as it is, else as TEXT N from ID, since gossip drops repeated content",
  ).pipe(Flag.optional),
  every: integer("every", "Milliseconds between two of them (default 1000)", 1, 86_400_000).pipe(
    Flag.withDefault(1000),
  ),
  seconds: integer("seconds", "Leave after this many seconds (default: run until interrupted)", 1, 31_536_000).pipe(
    Flag.optional,
  ),
  metrics: integer("metrics", "Serve metrics for Prometheus at /metrics of this port on 127.0.0.1", 1, 65_535).pipe(
    Flag.optional,
  ),
  json: jsonEvents,
}

/** Fails in a topic that is open to everybody. `ability`: what members-only topics have for the option. */
const requireMembers = (access: Access, option: string, ability: string): Effect.Effect<void, UsageError> => {
  const message = `${option}: only a members-only topic ${ability}; give --access members, or an invitation to such a topic`
  return access === "members" ? Effect.void : Effect.fail(new UsageError({ message }))
}

/** The interval at which the text output repeats that there is no neighbour yet. */
const WAITING_EVERY_SECONDS = 30

interface NodeOptions extends ReadTopic {
  readonly channel: Option.Option<string>
  readonly serve: Option.Option<"echo">
  readonly presence: Option.Option<string>
  readonly printInvite: boolean
  readonly send: Option.Option<string>
  readonly every: number
  readonly progress: Progress
}

/** How far a node came. It is read after the node has ended. */
interface Progress {
  joined: boolean
  /** The records that were found when none of them opened. */
  unopened: number
}

/** Runs the node until it is interrupted. */
const runNode = Effect.fn("node")(function* (options: NodeOptions, output: NodeOutput) {
  const { access, channel, every, join, presence, printInvite, progress, send, serve } = options
  const { printEvent } = output
  const gossip = yield* Gossip
  if (Option.isSome(send)) yield* checkSize({ access, channel, text: send.value })
  yield* gossip.ready
  const [address, dht] = yield* Effect.all([gossip.address, Effect.flatMap(Dht, (service) => service.address)])
  const { endpointId } = gossip
  yield* printEvent({ event: "ready", endpointId, addresses: address.direct, dhtPort: dht.port, access })
  yield* output.printWaiting(0)
  const topic = yield* Topic.joinNoWait(join)
  if (printInvite) yield* printEvent({ event: "invite", invite: Redacted.value(yield* topic.invite()) })
  const events = yield* topic.subscribe()
  const listening = yield* events.pipe(
    Stream.runForEach((event) =>
      Effect.gen(function* () {
        switch (event._tag) {
          case "NeighborUp":
            if (!progress.joined) yield* printEvent({ event: "joined" })
            progress.joined = true
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
  yield* topic.activity.pipe(
    Stream.runForEach((activity) => {
      switch (activity._tag) {
        case "Refused": {
          const { byPeer, peer, reason } = activity
          return printEvent({ event: "refused", peer, reason, byPeer })
        }
        case "AccessLost":
          return printEvent({ event: "access-lost" })
        case "AccessMismatch":
          return printEvent({ event: "access-mismatch", theirs: activity.theirs })
        case "NothingOpens":
          progress.unopened = activity.records
          return printEvent({ event: "nothing-opens", records: activity.records })
        default:
          return Effect.void
      }
    }),
    Effect.forkScoped,
  )
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      for (let seconds = WAITING_EVERY_SECONDS; ; seconds += WAITING_EVERY_SECONDS) {
        yield* Effect.sleep(`${WAITING_EVERY_SECONDS} seconds`)
        if (progress.joined) return
        yield* output.printWaiting(seconds)
      }
    }),
  )
  const textChannel = Option.isSome(channel) ? yield* openTextChannel(topic, channel.value, output) : undefined
  if (Option.isSome(serve)) {
    // Loaded only when it is wanted: the node starts earlier without it.
    const { serveEcho } = yield* Effect.promise(() => import("./echo.ts"))
    yield* serveEcho(topic, (from) => printEvent({ event: "call", from, method: "echo" }))
  }
  if (Option.isSome(presence)) yield* showMembers(topic, presence.value, output)
  yield* Option.match(send, {
    onNone: () => Fiber.join(listening),
    onSome: (text) =>
      Effect.raceFirst(Fiber.join(listening), sendRepeatedly({ topic, channel: textChannel, endpointId, text, every })),
  })
}, Effect.scoped)

/** Loaded only when it is wanted: the node starts earlier without it. */
const metricsLayer = (port: number) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("@topic-tracker/monitor")),
      ({ Monitor }) => Layer.merge(Monitor.layerMetrics({ port }), TrackerMetrics.layer()),
    ),
  )

/** Fails if the secret is probably wrong: it opened no record, and the node is alone. */
const requireSecret = ({ joined, unopened }: Progress): Effect.Effect<void, UsageError> =>
  joined || unopened === 0
    ? Effect.void
    : Effect.fail(
        new UsageError({ message: `the secret opens none of the ${unopened} records of this topic; is it right?` }),
      )

export const nodeCommand = Command.make(
  "node",
  flags,
  Effect.fn(function* (options) {
    const { bootstrap, cache, channel, dhtPort, every, identityFile, json, metrics, ...others } = options
    const { presence, printInvite, relay, seconds, send, serve, ...given } = others
    const output = json ? jsonOutput : yield* makeTextOutput
    const node = trackerLayer({ bootstrap, cache, dhtPort, identityFile, relay })
    const layer = Option.isNone(metrics) ? node : Layer.provideMerge(metricsLayer(metrics.value), node)
    const progress: Progress = { joined: false, unopened: 0 }
    const running = Effect.gen(function* () {
      const topic = yield* readTopic(given)
      if (Option.isSome(channel)) yield* requireMembers(topic.access, "--channel", "has channels")
      if (Option.isSome(presence)) yield* requireMembers(topic.access, "--presence", "shows its members")
      yield* runNode({ ...topic, channel, every, presence, printInvite, send, serve, progress }, output).pipe(
        Effect.provide(layer.pipe(Layer.provideMerge(output.loggers))),
        Effect.mapError((error) => {
          const isPort = error._tag === "DhtError" && error.reason === "Bind"
          const option = isPort ? "--dht-port: " : error._tag === "MonitorError" ? "--metrics: " : ""
          return new UsageError({ message: `${option}${error.message}` })
        }),
      )
      return "the topic was closed"
    })
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
    yield* requireSecret(progress)
  }),
).pipe(
  Command.withDescription("Run one node in a topic: it finds the others by name and secret, and prints what it hears."),
  Command.withShortDescription(summaries.node),
  withExamples(
    ["--topic crew --secret-file secret.txt --json", "Print the events as JSON, one a line"],
    [
      "--topic crew --secret-file secret.txt --access members --channel chat --send hello",
      "Speak in a members-only channel",
    ],
    ["--invite - < invitation.txt", "Join by an invitation"],
  ),
)
