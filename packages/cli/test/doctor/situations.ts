/** The situations of the command `doctor`. Each is prepared inside a network namespace of its own; the arguments of the command follow. */
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { type Topic, TopicTracker } from "@topic-tracker/core"
import { Crypto, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet, decodeBencode, encodeBencode } from "@topic-tracker/dht/testing"
import { Clock, Context, Effect, Layer, Random, Schedule, type Scope } from "effect"

export interface Situation {
  /** Programs that are run first, each with its arguments. */
  readonly commands?: ReadonlyArray<ReadonlyArray<string>>
  /** The arguments of `doctor`. What it starts ends with the scope. */
  readonly prepare: Effect.Effect<ReadonlyArray<string>, unknown, Scope.Scope>
  /** The command runs behind a NAT of this namespace. */
  readonly nat?: boolean
}

const PUBLIC: ReadonlyArray<ReadonlyArray<string>> = [
  ["ip", "link", "set", "lo", "up"],
  ["ip", "addr", "add", "5.0.0.1/8", "dev", "lo"],
  ["ip", "link", "add", "outside0", "type", "veth", "peer", "name", "outside1"],
  ["ip", "addr", "add", "9.9.1.1/24", "dev", "outside0"],
  ["ip", "link", "set", "outside0", "up"],
  ["ip", "link", "set", "outside1", "up"],
]
const LOOPBACK: ReadonlyArray<ReadonlyArray<string>> = [["ip", "link", "set", "lo", "up"]]

/** Several: a node that has just started knows no other. */
const BOOTSTRAP = ["--bootstrap", "5.0.0.1:6881,5.0.0.2:6881,5.0.0.3:6881"]
/** None of these is in the namespace. */
const NO_SERVERS = ["--relay", "none", "--time-server", "none"]
const TOPIC = ["--topic", "crew"]

/** DHT nodes at 5.0.0.1 and on, which start from the first. */
const dhtNodes = (count: number) =>
  Effect.forEach(Array.from({ length: count }).keys(), (i) =>
    Layer.build(
      Dht.layer({
        bootstrap: i === 0 ? [] : [{ host: "5.0.0.1", port: 6881 }],
        host: `5.0.0.${i + 1}`,
        port: 6881,
      }).pipe(Layer.provide(Crypto.layer())),
    ).pipe(
      Effect.flatMap((services) => (i === 0 ? Effect.void : Effect.ignore(Context.get(services, Dht).bootstrapped))),
    ),
  )

const bindUdp = (host: string, port: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = createSocket("udp4")
      socket.bind(port, host)
      await once(socket, "listening")
      return socket
    }),
    (socket) => Effect.sync(() => socket.close()),
  )

/** A testnet on loopback with a node of the topic, and the arguments that lead to it. */
const member = Effect.fnUntraced(function* (options: Pick<Topic.JoinOptions, "secret" | "access">) {
  const { addresses, services } = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer()))
  const node = yield* Layer.build(TopicTracker.layer({ config: { dht: { bootstrap: addresses.slice(0, 1) } } }))
  const topic = yield* Context.get(node, TopicTracker).joinNoWait({ topic: "crew", ...options })
  // Its record is in the slot before the command looks.
  yield* topic.recordPublisher.stats.pipe(
    Effect.repeat({ until: ({ published }) => published > 0, schedule: Schedule.spaced("20 millis") }),
  )
  return { args: ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`, ...TOPIC], dht: services[0]!, addresses }
})

/** A time server that is 3 minutes ahead: to it our clock is 3 minutes behind. */
const timeServer = Effect.gen(function* () {
  const socket = yield* bindUdp("5.0.0.1", 123)
  socket.on("message", (_, { address, port }) => {
    const answer = Buffer.alloc(48)
    // Version 4, mode 4 (server); stratum 1.
    answer.set([0x24, 1])
    const seconds = Math.floor(Date.now() / 1_000) + 2_208_988_800 + 180
    for (const at of [32, 40]) answer.writeUInt32BE(seconds, at)
    socket.send(answer, port, address)
  })
})

/** A router that names nodes and stores nothing, and the nodes that it names: read-only, so they answer no query (BEP 43). */
const readOnlyDht = Effect.gen(function* () {
  const router = yield* bindUdp("5.0.0.1", 6881)
  const named = Buffer.concat(
    [2, 3, 4].map((host) =>
      Buffer.concat([Buffer.alloc(20, host), Buffer.from([5, 0, 0, host, 6881 >> 8, 6881 & 255])]),
    ),
  )
  router.on("message", (bytes, { address, port }) => {
    const query = decodeBencode(bytes) as { readonly t: Uint8Array }
    const ip = Buffer.from([...address.split(".").map(Number), port >> 8, port & 255])
    const r = { id: Buffer.alloc(20, 1), nodes: named }
    router.send(encodeBencode({ ip, r, t: query.t, y: "r" }), port, address)
  })
  for (const host of [2, 3, 4]) {
    yield* Layer.build(
      Dht.layer({
        bootstrap: [{ host: "5.0.0.1", port: 6881 }],
        host: `5.0.0.${host}`,
        port: 6881,
        readOnly: true,
      }).pipe(Layer.provide(Crypto.layer())),
    )
  }
})

/** A stranger that knows the topic's name puts items that are no records into its slot, again and again. */
const floodSlot = Effect.fnUntraced(
  function* (dht: Dht["Service"]) {
    const keys = RecordKeys.make(yield* Crypto, yield* SecretRotation)
    const once = Effect.gen(function* () {
      const random = yield* Random.Random
      const value = Uint8Array.from({ length: 604 }, () => Math.floor(random.nextDoubleUnsafe() * 256))
      const minute = BigInt(Math.floor((yield* Clock.currentTimeMillis) / 60_000))
      const { salt, signingKey } = keys.dht(TopicId.fromName("crew"), minute)
      yield* Effect.ignore(dht.put({ key: signingKey, salt, seq: 2n ** 63n - 1n, value }))
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(once, Effect.sleep("50 millis"))))
  },
  Effect.provide(Layer.mergeAll(Crypto.layer(), SecretRotation.layer())),
)

export const situations: Readonly<Record<string, Situation>> = {
  nothing: {
    commands: PUBLIC,
    prepare: Effect.as(dhtNodes(8), [...BOOTSTRAP, ...NO_SERVERS]),
  },
  "UDP is blocked": {
    commands: [
      ...PUBLIC,
      [
        "nft",
        "add table inet f; add chain inet f out { type filter hook output priority 0; }; add rule inet f out udp dport != 53 drop",
      ],
    ],
    prepare: Effect.as(dhtNodes(2), [...BOOTSTRAP, ...NO_SERVERS]),
  },
  "DNS is down": {
    commands: PUBLIC,
    prepare: Effect.sync(() => {
      // Nobody answers there.
      writeFileSync("/etc/resolv.conf", "nameserver 5.0.0.53\noptions timeout:1 attempts:1\n")
      return ["--bootstrap", "dht.example.org:6881", ...NO_SERVERS]
    }),
  },
  "the clock is 3 minutes off": {
    commands: PUBLIC,
    prepare: Effect.as(Effect.andThen(dhtNodes(8), timeServer), [
      ...BOOTSTRAP,
      "--relay",
      "none",
      "--time-server",
      "5.0.0.1",
    ]),
  },
  "symmetric NAT without relay": {
    commands: [
      ...PUBLIC,
      ["ip", "link", "add", "nat0", "type", "veth", "peer", "name", "inside0"],
      ["ip", "addr", "add", "10.0.0.1/24", "dev", "nat0"],
      ["ip", "link", "set", "nat0", "up"],
      ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"],
      [
        "nft",
        "add table ip n; add chain ip n in { type nat hook input priority 100; }; add rule ip n in ip saddr 10.0.0.0/24 meta l4proto udp snat to 9.9.1.1:1024-65535 fully-random",
      ],
    ],
    prepare: Effect.as(dhtNodes(8), [...BOOTSTRAP, ...NO_SERVERS]),
    nat: true,
  },
  "another secret": {
    commands: LOOPBACK,
    prepare: Effect.map(member({ secret: "theirs" }), ({ args }) => [...args, "--secret", "ours"]),
  },
  "a member": {
    commands: LOOPBACK,
    prepare: Effect.map(member({ secret: "ours" }), ({ args }) => [...args, "--secret", "ours"]),
  },
  "another access": {
    commands: LOOPBACK,
    prepare: Effect.map(member({ secret: "ours", access: "members" }), ({ args }) => [...args, "--secret", "ours"]),
  },
  "the port is taken": {
    commands: PUBLIC,
    prepare: Effect.as(Effect.andThen(dhtNodes(2), bindUdp("0.0.0.0", 7777)), [
      ...BOOTSTRAP,
      ...NO_SERVERS,
      "--dht-port",
      "7777",
    ]),
  },
  "no IPv4": {
    commands: [
      ...LOOPBACK,
      ["ip", "link", "add", "outside0", "type", "veth", "peer", "name", "outside1"],
      ["ip", "-6", "addr", "add", "2001:db8::1/64", "dev", "outside0", "nodad"],
      ["ip", "link", "set", "outside0", "up"],
      ["ip", "link", "set", "outside1", "up"],
    ],
    prepare: Effect.succeed([...BOOTSTRAP, ...NO_SERVERS]),
  },
  "a DHT of read-only nodes": {
    commands: PUBLIC,
    prepare: Effect.as(readOnlyDht, [...BOOTSTRAP, ...NO_SERVERS]),
  },
  "a slot under flood": {
    commands: LOOPBACK,
    prepare: Effect.gen(function* () {
      const { args, dht } = yield* member({ secret: "ours" })
      yield* floodSlot(dht)
      return [...args, "--secret", "ours"]
    }),
  },
}
