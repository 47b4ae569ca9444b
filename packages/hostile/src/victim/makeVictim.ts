/** Nodes of ours in this process, exactly as a program starts them: `TopicTracker.layer` with defaults, on real sockets. */

import { monitorEventLoopDelay } from "node:perf_hooks"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Gossip } from "@topic-tracker/gossip"
import { Context, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { type Heard, SECRET, type Traffic, type VictimApi } from "./api.ts"
import { BareNode } from "./bareNode.ts"
import { AUTHOR_CHARACTERS, formatMessage, parseMessage } from "./message.ts"

interface OpenTopic {
  readonly topic: Topic.Topic
  heard: Array<Heard>
  lagged: number
  sent: Array<readonly [number, number]>
  sending: Fiber.Fiber<unknown> | undefined
}

interface OpenNode {
  readonly scope: Scope.Closeable
  readonly services: Context.Context<TopicTracker | Gossip | Dht>
  readonly topics: Map<string, OpenTopic>
}

/** The spaces of V8's heap that hold machine code and what belongs to it. */
const CODE_SPACE = /^(code|trusted)_/

/** No subscriber of ours is the reason why a message is not heard. */
const CAPACITY = 65_536

export const makeVictim = (): VictimApi => {
  const nodes: Array<OpenNode> = []
  const held = Effect.runSync(Scope.make())
  let delay = monitorEventLoopDelay({ resolution: 5 })
  let bare: BareNode | undefined

  const nodeAt = (index: number): OpenNode => {
    const node = nodes[index]
    if (node === undefined) throw new RangeError(`node: there is no node ${index}`)
    return node
  }
  const topicAt = (index: number, name: string): OpenTopic => {
    const topic = nodeAt(index).topics.get(name)
    if (topic === undefined) throw new RangeError(`topic: node ${index} has not joined ${name}`)
    return topic
  }

  const open = Effect.fnUntraced(function* (node: OpenNode, name: string) {
    const topic = yield* Topic.joinNoWait({ topic: name, secret: SECRET })
    const state: OpenTopic = { topic, heard: [], lagged: 0, sent: [], sending: undefined }
    node.topics.set(name, state)
    const events = yield* topic.subscribe({ capacity: CAPACITY })
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Lagged") state.lagged += event.skipped
          const message =
            event._tag === "Message" && event.text !== undefined ? parseMessage(event.text, Date.now()) : undefined
          if (message !== undefined) state.heard.push(message)
        }),
      ),
    )
    return state
  })

  return {
    startNode: (options) =>
      Effect.runPromise(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const layer = TopicTracker.layer({
            config: {
              dht: {
                bootstrap: options.bootstrap.map((text) => {
                  const [host = "", port] = text.split(":")
                  return { host, port: Number(port) }
                }),
                host: options.dhtHost,
              },
              network: { relays: options.relays ?? "none" },
            },
          })
          const services = yield* Scope.provide(Layer.build(layer), scope)
          const gossip = Context.get(services, Gossip)
          yield* gossip.ready
          const { host, port } = yield* Context.get(services, Dht).address
          nodes.push({ scope, services, topics: new Map() })
          return {
            node: nodes.length - 1,
            endpointId: gossip.endpointId,
            addresses: (yield* gossip.address).direct,
            dht: `${host}:${port}`,
          }
        }),
      ),
    stopNode: (index) => Effect.runPromise(Scope.close(nodeAt(index).scope, Exit.void)),
    join: (index, name, withinMs) => {
      const node = nodeAt(index)
      const start = performance.now()
      return Effect.runPromise(
        open(node, name).pipe(
          Effect.flatMap(({ topic }) => topic.joined),
          Effect.as(true),
          Effect.timeoutOrElse({ duration: withinMs, orElse: () => Effect.succeed(false) }),
          Effect.map((joined) => (joined ? performance.now() - start : undefined)),
          Scope.provide(node.scope),
          Effect.provide(node.services),
        ),
      )
    },
    neighbors: async (index, name) => [...(await Effect.runPromise(topicAt(index, name).topic.neighbors))],
    beginTraffic: (index, name, everyMs, bytes) => {
      const node = nodeAt(index)
      const state = topicAt(index, name)
      const author = Context.get(node.services, Gossip).endpointId.slice(0, AUTHOR_CHARACTERS)
      state.heard.length = 0
      state.lagged = 0
      state.sent = []
      const begun = performance.now()
      let number = 0
      const once = Effect.suspend(() => {
        const at = Date.now()
        state.sent.push([number, at])
        const text = formatMessage(author, number, at, bytes)
        number++
        // A broadcast that waits for a slow neighbour must not delay the next one: the rate is the attack's.
        return Effect.asVoid(Effect.forkIn(Effect.ignore(state.topic.broadcast(text)), node.scope))
      })
      state.sending = Effect.runFork(
        Effect.forever(
          Effect.andThen(
            once,
            Effect.suspend(() => Effect.sleep(Math.max(0, begun + number * everyMs - performance.now()))),
          ),
        ),
      )
      return Promise.resolve()
    },
    endTraffic: async (index, name): Promise<Traffic> => {
      const state = topicAt(index, name)
      if (state.sending !== undefined) await Effect.runPromise(Fiber.interrupt(state.sending))
      state.sending = undefined
      return { sent: state.sent, heard: state.heard, lagged: state.lagged }
    },
    takeTraffic: async (index, name) => {
      const state = topicAt(index, name)
      const { heard, lagged, sent } = state
      state.heard = []
      state.sent = []
      state.lagged = 0
      return { sent, heard, lagged }
    },
    counters: (index) => {
      const { services } = nodeAt(index)
      return Effect.runPromise(
        Effect.gen(function* () {
          const dht = yield* Context.get(services, Dht).stats
          const gossip = yield* Context.get(services, Gossip).stats
          return { dhtPacketsSent: dht.packetsSent, gossip: { ...gossip }, dht: { ...dht } }
        }),
      )
    },
    startDhtNodes: ({ equalSeq, hosts, nodes: count, port }) =>
      Effect.runPromise(
        Effect.gen(function* () {
          if (hosts === undefined) {
            const { addresses } = yield* DhtTestnet.make({
              nodes: count,
              ...(equalSeq === undefined ? {} : { equalSeq }),
              ...(port === undefined ? {} : { port }),
            })
            return addresses.map(({ host, port }) => `${host}:${port}`)
          }
          const services: Array<Dht["Service"]> = []
          const addresses: Array<{ readonly host: string; readonly port: number }> = []
          for (const host of hosts) {
            const layer = Dht.layer({
              host,
              bootstrap: addresses.slice(0, 4),
              introduceAfter: 0,
              queriesTotal: 100_000,
              queriesPerHost: 100_000,
              replyBytesPerHost: 100_000_000,
              replyBytesTotal: 100_000_000,
              ...(equalSeq === undefined ? {} : { equalSeq }),
            })
            const service = Context.get(yield* Layer.build(layer), Dht)
            services.push(service)
            addresses.push(yield* service.address)
          }
          // Each node looks some random targets up, and so meets the others.
          for (let round = 0; round < 3; round++) {
            yield* Effect.forEach(
              services,
              (service) =>
                Stream.runDrain(service.get({ publicKey: crypto.getRandomValues(new Uint8Array(32)) })).pipe(
                  Effect.ignore,
                ),
              { concurrency: 10 },
            )
          }
          return addresses.map(({ host, port }) => `${host}:${port}`)
        }).pipe(Scope.provide(held), Effect.provide(Crypto.layer())),
      ),
    watchLoop: async () => {
      delay.disable()
      delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
    },
    loopDelay: async () => delay.percentile(99) / 1e6,
    memory: async () => {
      const { external, heapUsed } = process.memoryUsage()
      const code = getHeapSpaceStatistics()
        .filter(({ space_name }) => CODE_SPACE.test(space_name))
        .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
      return { live: heapUsed + external, code }
    },
    startBare: async (options) => {
      bare = await BareNode.start(options)
      return bare.info
    },
    connectBare: async (target) => bare?.connect(target),
    sendBare: async (everyMs, bytes) => bare?.send(everyMs, bytes),
    collectGarbage: async () => {
      for (let i = 0; i < 3; i++) {
        collect()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

const collect: () => void = (() => {
  setFlagsFromString("--expose-gc")
  const found: unknown = runInNewContext("gc")
  return typeof found === "function" ? () => found() : () => {}
})()
