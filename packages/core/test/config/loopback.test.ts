/** Loopback bootstrap nodes keep every socket of a node on loopback, whichever source gives them. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Gossip } from "@topic-tracker/gossip"
import { ConfigProvider, Context, Effect, Layer } from "effect"
import { type NodeOptions, TopicTracker } from "../../src/tracker/TopicTracker.ts"

/** The addresses of this process' UDP and TCP sockets, by inode, as Linux lists them. */
const boundSockets = (): Map<string, string> => {
  const own = new Set<string>()
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      own.add(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? "")
    } catch {
      // The descriptor with which the directory was read is closed.
    }
  }
  const sockets = new Map<string, string>()
  for (const kind of ["udp", "udp6", "tcp", "tcp6"]) {
    for (const line of readFileSync(`/proc/net/${kind}`, "utf8").trim().split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/)
      const [local, inode] = [columns[1] ?? "", columns[9] ?? ""]
      if (own.has(inode)) sockets.set(inode, `${kind} ${local.split(":")[0]}`)
    }
  }
  return sockets
}

/** The kernel shows addresses as words in the machine's byte order. */
const LOOPBACK = /^(udp|tcp) [0-9A-F]{6}7F$|^(udp|tcp)6 0{24}01000000$/

/**
 * Starts a node. The returned function gives the sockets that the node opened and that are still open. The node lives until the
 * test ends.
 */
const started = <E>(layer: Layer.Layer<TopicTracker | Gossip, E>) =>
  Effect.gen(function* () {
    const before = boundSockets()
    const services = yield* Layer.build(Layer.fresh(layer))
    yield* Context.get(services, Gossip).ready
    yield* Context.get(services, TopicTracker).joinNoWait({ topic: "topic", secret: "secret" })
    yield* Effect.sleep("50 millis")
    const opened = new Set([...boundSockets().keys()].filter((inode) => !before.has(inode)))
    return () => [...boundSockets()].flatMap(([inode, socket]) => (opened.has(inode) ? [socket] : []))
  })

/**
 * iroh's port mapper looks for a router with one UPnP search, on a socket of its own that is closed after some seconds. iroh's
 * binding cannot turn it off.
 */
const PORT_MAPPER_SECONDS = 15

const provider = (source: ConfigProvider.ConfigProvider, options?: NodeOptions) =>
  TopicTracker.layerConfig(options).pipe(Layer.provide(ConfigProvider.layer(source)))

const bootstrap = ["127.0.0.1:1"]
const environment = (env: Record<string, string>) => ConfigProvider.fromEnv({ env })
const file = (topicTracker: object) => ConfigProvider.fromUnknown({ topicTracker })

const ways: ReadonlyArray<
  readonly [way: string, layer: Layer.Layer<TopicTracker | Gossip, { readonly message: string }>]
> = [
  ["code", TopicTracker.layer({ config: { dht: { bootstrap } } })],
  ["code, by the name localhost", TopicTracker.layer({ config: { dht: { bootstrap: "localhost:1" } } })],
  [
    "code, with public relays and nodes of the internet from an earlier run",
    TopicTracker.layer({
      config: {
        dht: { bootstrap, knownNodes: [`${"00".repeat(20)}@192.0.2.1:6881`] },
        network: { relays: "public", publishPrivateAddresses: false },
      },
    }),
  ],
  ["the environment", provider(environment({ TOPIC_TRACKER_DHT_BOOTSTRAP: "127.0.0.1:1,127.0.0.2:1" }))],
  [
    "the environment, over a public node of code",
    provider(environment({ TOPIC_TRACKER_DHT_BOOTSTRAP: "127.0.0.1:1" }), {
      config: { dht: { bootstrap: ["192.0.2.1:6881"] } },
    }),
  ],
  ["a file", provider(file({ dht: { bootstrap } }))],
  [
    "code below an environment that has other options",
    provider(environment({ TOPIC_TRACKER_PROFILE: "reference" }), {
      config: { dht: { bootstrap } },
    }),
  ],
]

describe.skipIf(process.platform !== "linux")("with loopback bootstrap nodes only", () => {
  it.live(
    "every socket is bound to loopback, whichever source gives them",
    () =>
      Effect.gen(function* () {
        const nodes = yield* Effect.forEach(ways, ([way, layer]) =>
          Effect.map(started(layer), (sockets) => ({ way, sockets })),
        )
        const others = () =>
          nodes.flatMap(({ way, sockets }) =>
            sockets().flatMap((socket) => (LOOPBACK.test(socket) ? [] : [`${way}: ${socket}`])),
          )
        assert.isAtMost(others().length, nodes.length, others().join("\n"))
        for (let i = 0; i < PORT_MAPPER_SECONDS * 5 && others().length > 0; i++) yield* Effect.sleep("200 millis")
        assert.deepStrictEqual(others(), [])
        for (const { way, sockets } of nodes) {
          assert.isAtLeast(sockets().length, 2, `${way}: a socket of the DHT and one of the endpoint`)
        }
      }),
    60_000,
  )

  it.live("with another bootstrap node sockets are bound to all addresses, so the check above can fail", () =>
    Effect.gen(function* () {
      const config = { dht: { bootstrap: ["127.0.0.1:1", "192.0.2.1:6881"] }, network: { relays: "none" } } as const
      const sockets = yield* started(TopicTracker.layer({ config }))
      yield* Effect.sleep("5 seconds")
      assert.isAtLeast(sockets().filter((socket) => !LOOPBACK.test(socket)).length, 2)
    }),
  )

  it.live("a topic cannot change the node's bootstrap nodes", () =>
    Effect.gen(function* () {
      const services = yield* Layer.build(TopicTracker.layer({ config: { dht: { bootstrap } } }))
      const tracker = Context.get(services, TopicTracker)
      const join = (address: string) =>
        tracker.joinNoWait({ topic: "topic", secret: "secret", config: { dht: { bootstrap: [address], retries: 1 } } })
      const error = yield* Effect.flip(join("192.0.2.1:6881"))
      assert.strictEqual(error._tag, "TopicConfigError")
      assert.strictEqual(
        error.message,
        'dht.bootstrap is ["192.0.2.1:6881"]; expected [{"host":"127.0.0.1","port":1}], as the node has it; give it to the TopicTracker\'s layer',
      )
      assert.strictEqual((yield* join("127.0.0.1:1")).config.dht.retries, 1)
    }),
  )
})
