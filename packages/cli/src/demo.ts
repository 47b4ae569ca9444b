/**
 * `npm run demo`: three nodes that share only a topic name and a secret find each other on an embedded DHT testnet, and every
 * one hears a message from every other. What happens is told as it happens; the exit code is 0 only if all heard all.
 */

import { CommandFailed, runCommand } from "@topic-tracker/cli-kit/runCommand"
import { type Topic, type TopicActivity, TopicTracker } from "@topic-tracker/core"
import { Crypto, type EndpointId } from "@topic-tracker/crypto"
import type { DhtAddress } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Clock, Console, Context, Deferred, Effect, Layer, Random, type Scope, Stream } from "effect"
import { Command } from "effect/cli"
import { type Colour, makeTeller } from "./account.ts"

/** The most that the demo takes before it gives up. */
const timeLimit = "20 seconds"

interface Node {
  readonly name: string
  readonly topic: Topic.Topic
  /** Milliseconds from the node's start to its first neighbour. */
  readonly joinMillis: number
}

const demo = Effect.gen(function* () {
  const teller = yield* makeTeller()
  yield* Console.log("Three nodes share a topic name and a secret, nothing else.\n")

  const testnet = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer()))
  yield* teller.tell("testnet", "dim", `${testnet.addresses.length} DHT nodes on loopback`)
  const bootstrap = testnet.addresses.slice(0, 1)

  // A topic of its own for each run.
  const name = `demo ${yield* Random.nextIntBetween(100_000, 999_999)}`
  const names = new Map<EndpointId.EndpointId, string>()
  const start = (node: string, colour: Colour) => startNode({ node, colour, name, bootstrap, names, teller })

  const [ada, bo] = yield* Effect.all([start("ada", "cyan"), start("bo", "yellow")], { concurrency: "unbounded" })
  const cy = yield* start("cy", "magenta")
  const nodes = [ada, bo, cy]

  yield* everyoneHearsEveryone(nodes, names, teller)

  yield* Console.log(
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
  readonly teller: Effect.Success<ReturnType<typeof makeTeller>>
}

/** One node with a DHT client and an endpoint of its own; ready when it has its first neighbour. */
const startNode = Effect.fn("startNode")(function* (options: StartOptions) {
  const { node, colour, name, bootstrap, names, teller } = options
  const startedAt = yield* Clock.currentTimeMillis
  // Built into the demo's own scope: the node lives until the demo ends.
  const services = yield* Layer.build(TopicTracker.layer({ config: { dht: { bootstrap } } }))
  const tracker = Context.get(services, TopicTracker)
  names.set(tracker.endpointId, node)
  yield* teller.tell(node, colour, `starts as ${tracker.endpointId.slice(0, 8)}…`)
  const topic = yield* tracker.joinNoWait({ topic: name, secret: "only members know" })
  yield* topic.activity.pipe(
    Stream.runForEach((doing) => {
      const line = describe(doing, names)
      return line === undefined ? Effect.void : teller.tell(node, colour, line)
    }),
    Effect.forkScoped,
  )
  yield* topic.joined
  return { name: node, topic, joinMillis: (yield* Clock.currentTimeMillis) - startedAt } satisfies Node
})

const everyoneHearsEveryone = Effect.fn("everyoneHearsEveryone")(function* (
  nodes: ReadonlyArray<Node>,
  names: ReadonlyMap<EndpointId.EndpointId, string>,
  teller: StartOptions["teller"],
) {
  const missing = new Set(nodes.flatMap((one) => nodes.filter((o) => o !== one).map((o) => `${one.name} ${o.name}`)))
  const complete = yield* Deferred.make<void>()
  const listen = Effect.fnUntraced(function* ({ name, topic }: Node) {
    const events = yield* topic.subscribe()
    yield* events.pipe(
      Stream.runForEach((event) => {
        if (event._tag !== "Message" || event.text === undefined) return Effect.void
        const author = event.text.split(" ").at(-1) ?? ""
        if (!missing.delete(`${name} ${author}`)) return Effect.void
        const via = names.get(event.from)
        const heard = `heard "${event.text}"${via === author ? "" : ` by way of ${via}`}`
        return Effect.andThen(
          teller.tell(name, undefined, heard),
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

/** A doing in a few words, or undefined for what a spectator need not know. */
const describe = (doing: TopicActivity, names: ReadonlyMap<EndpointId.EndpointId, string>): string | undefined => {
  const called = (id: EndpointId.EndpointId) => names.get(id) ?? `${id.slice(0, 8)}…`
  switch (doing._tag) {
    case "RecordPublished":
      return `put its record on ${doing.stored} DHT nodes in ${doing.millis} ms`
    case "RecordFound":
      return `read ${called(doing.publisher)}'s record after ${doing.millis} ms`
    case "DialBegan":
      return `dials ${called(doing.peer)}`
    case "DialUnanswered":
      return `had no answer from ${called(doing.peer)} in ${doing.millis} ms`
    case "Joined": {
      const how = doing.source === undefined ? "who dialled" : `through ${called(doing.source.publisher)}'s record`
      return `joined ${called(doing.peer)} (${how})`
    }
    case "Failed":
      return `${doing.by}: ${doing.message}`
    default:
      return undefined
  }
}

const withinTime = <A, E, R>(self: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.scoped(self).pipe(
    Effect.timeoutOrElse({
      duration: timeLimit,
      orElse: () => Effect.fail(new CommandFailed({ message: `Not everyone heard everyone within ${timeLimit}.` })),
    }),
  )

runCommand(
  Command.make("demo", {}, () => withinTime(demo)).pipe(
    Command.withDescription("Three nodes meet through an embedded DHT testnet and talk; ends by itself within 20 s."),
  ),
)
