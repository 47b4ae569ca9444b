/**
 * The command `demo`: three nodes that share only a topic name and a secret find each other on an embedded DHT testnet, and each
 * one hears a message from each other one. It prints what happens; the exit code is 0 only if all messages arrived.
 */

import { withExamples } from "@topic-tracker/cli-kit/examples"
import { CommandFailed } from "@topic-tracker/cli-kit/runCommand"
import { type Topic, type TopicActivity, TopicTracker } from "@topic-tracker/core"
import { Crypto, type EndpointId } from "@topic-tracker/crypto"
import type { DhtAddress } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Clock, Console, Context, Deferred, Effect, Layer, Random, type Scope, Stream } from "effect"
import { Command } from "effect/cli"
import { summaries } from "./summaries.ts"
import { type Colour, type LinePrinter, makeLinePrinter, shortId } from "./terminalLines.ts"

/** The demo fails after this time. */
const TIME_LIMIT = "20 seconds"

interface Node {
  readonly name: string
  readonly topic: Topic.Topic
  /** Milliseconds from the node's start to its first neighbour. */
  readonly joinMillis: number
}

const demo = Effect.gen(function* () {
  const printer = yield* makeLinePrinter()
  yield* Console.log("Three nodes share a topic name and a secret, nothing else.\n")

  const testnet = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer()))
  yield* printer.printLine("testnet", "dim", `${testnet.addresses.length} DHT nodes on loopback`)
  const bootstrap = testnet.addresses.slice(0, 1)

  // Each run has a topic of its own.
  const name = `demo ${yield* Random.nextIntBetween(100_000, 999_999)}`
  const names = new Map<EndpointId.EndpointId, string>()
  const start = (node: string, colour: Colour) => startNode({ node, colour, name, bootstrap, names, printer })

  const [ada, bo] = yield* Effect.all([start("ada", "cyan"), start("bo", "yellow")], { concurrency: "unbounded" })
  const cy = yield* start("cy", "magenta")
  const nodes = [ada, bo, cy]

  yield* exchangeMessages(nodes, names, printer)

  // The last lines: what the nodes do while they close is not printed.
  yield* printer.printLast(
    [
      "",
      "Every node heard every other.",
      `  cold join, two at once  ${Math.max(ada.joinMillis, bo.joinMillis)} ms`,
      `  warm join, the third    ${cy.joinMillis} ms`,
    ].join("\n"),
  )
})

interface StartOptions {
  readonly node: string
  readonly colour: Colour
  readonly name: string
  readonly bootstrap: ReadonlyArray<DhtAddress>
  readonly names: Map<EndpointId.EndpointId, string>
  readonly printer: LinePrinter
}

/** Starts a node with a DHT client and an endpoint of its own, and waits for its first neighbour. */
const startNode = Effect.fn("startNode")(function* (options: StartOptions) {
  const { node, colour, name, bootstrap, names, printer } = options
  const startedAt = yield* Clock.currentTimeMillis
  // Built in the demo's scope: the node lives until the demo ends.
  const services = yield* Layer.build(TopicTracker.layer({ config: { dht: { bootstrap } } }))
  const tracker = Context.get(services, TopicTracker)
  names.set(tracker.endpointId, node)
  yield* printer.printLine(node, colour, `starts as ${shortId(tracker.endpointId)}`)
  const topic = yield* tracker.joinNoWait({ topic: name, secret: "only members know" })
  yield* topic.activity.pipe(
    Stream.runForEach((activity) => {
      const line = describe(activity, names)
      return line === undefined ? Effect.void : printer.printLine(node, colour, line)
    }),
    Effect.forkScoped,
  )
  yield* topic.joined
  return { name: node, topic, joinMillis: (yield* Clock.currentTimeMillis) - startedAt } satisfies Node
})

const exchangeMessages = Effect.fn("exchangeMessages")(function* (
  nodes: ReadonlyArray<Node>,
  names: ReadonlyMap<EndpointId.EndpointId, string>,
  printer: LinePrinter,
) {
  /** Pairs of listener and author whose message has not arrived. */
  const missing = new Set(nodes.flatMap((one) => nodes.filter((o) => o !== one).map((o) => `${one.name} ${o.name}`)))
  const complete = yield* Deferred.make<void>()
  const listen = Effect.fnUntraced(function* ({ name, topic }: Node) {
    const events = yield* topic.subscribe()
    yield* events.pipe(
      Stream.runForEach((event) => {
        if (event._tag !== "Message" || event.text === undefined) return Effect.void
        const author = event.text.split(" ").at(-1) ?? ""
        if (!missing.delete(`${name} ${author}`)) return Effect.void
        const via = names.get(event.deliveredFrom)
        const heard = `heard "${event.text}"${via === author ? "" : ` via ${via}`}`
        return Effect.andThen(
          printer.printLine(name, undefined, heard),
          missing.size === 0 ? Deferred.succeed(complete, undefined) : Effect.void,
        )
      }),
      Effect.forkScoped,
    )
  })
  yield* Effect.forEach(nodes, listen, { discard: true })
  yield* Effect.forEach(nodes, ({ name, topic }) => topic.broadcast(`hello from ${name}`), { discard: true })
  yield* Deferred.await(complete)
})

/** An activity in a few words; undefined for an activity that is not printed. */
const describe = (activity: TopicActivity, names: ReadonlyMap<EndpointId.EndpointId, string>): string | undefined => {
  const nameOf = (id: EndpointId.EndpointId) => names.get(id) ?? shortId(id)
  switch (activity._tag) {
    case "RecordPublished":
      return `put its record on ${activity.stored} DHT nodes in ${activity.millis} ms`
    case "RecordFound":
      return `read ${nameOf(activity.publisher)}'s record after ${activity.millis} ms`
    case "DialBegan":
      return `dials ${nameOf(activity.peer)}`
    case "DialUnanswered":
      return `had no answer from ${nameOf(activity.peer)} in ${activity.millis} ms`
    case "Joined": {
      const how =
        activity.source === undefined ? "it dialled us" : `through ${nameOf(activity.source.publisher)}'s record`
      return `joined ${nameOf(activity.peer)} (${how})`
    }
    case "Failed":
      return `${activity.by}: ${activity.message}`
    default:
      return undefined
  }
}

const withinTime = <A, E, R>(self: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.scoped(self).pipe(
    Effect.timeoutOrElse({
      duration: TIME_LIMIT,
      orElse: () => Effect.fail(new CommandFailed({ message: `Not all messages arrived within ${TIME_LIMIT}.` })),
    }),
  )

export const demoCommand = Command.make("demo", {}, () => withinTime(demo)).pipe(
  Command.withDescription("Three nodes meet through an embedded DHT testnet and talk; ends by itself within 20 s."),
  Command.withShortDescription(summaries.demo),
  withExamples(["", "See it work, without the internet"]),
)
