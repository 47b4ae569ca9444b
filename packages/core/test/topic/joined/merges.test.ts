import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { TopicConfigInput } from "../../../src/config/TopicConfig.ts"
import { collect, isOneSwarm, joinAll, makeWorld, pass, quiet, quietWith, swarms } from "../world.ts"

describe("merging", () => {
  it.effect("two separate swarms of three become one within two merge intervals", () =>
    Effect.gen(function* () {
      // Each swarm reaches only its own half of the DHT, until the halves are joined.
      let isSplit = true
      const world = yield* makeWorld({ dht: { nodes: 100, k: 10 } })
      const half = (parity: number) => ({ dht: { reaches: (node: number) => !isSplit || node % 2 === parity } })
      const nodes = [...(yield* world.nodes(3, half(0))), ...(yield* world.nodes(3, half(1)))]
      const topics = yield* joinAll(nodes)
      yield* pass("20 seconds")
      assert.strictEqual(yield* swarms(nodes, topics), 2)
      const heard = yield* Effect.forEach(topics, (topic) => collect(topic.messages))
      isSplit = false
      // The longest interval of the defaults is 60 s + 120 s.
      for (let waited = 0; waited < 360 && !(yield* isOneSwarm(nodes, topics)); waited += 10) yield* pass("10 seconds")
      assert.isTrue(yield* isOneSwarm(nodes, topics))
      yield* topics[0]!.broadcast("to all")
      yield* pass("1 second")
      assert.deepStrictEqual(
        heard.slice(1).map((messages) => messages.map(({ text }) => text)),
        Array.from({ length: 5 }, () => ["to all"]),
      )
      assert.isAbove(
        (yield* Effect.forEach(topics, (topic) => topic.stats)).reduce((sum, { merges }) => sum + merges, 0),
        0,
      )
    }),
  )

  it.effect("two swarms without messages, whose nodes all have enough neighbours, find each other", () =>
    Effect.gen(function* () {
      let isSplit = true
      const world = yield* makeWorld({ dht: { nodes: 100, k: 10 } })
      const half = (parity: number) => ({ dht: { reaches: (node: number) => !isSplit || node % 2 === parity } })
      const nodes = [...(yield* world.nodes(6, half(0))), ...(yield* world.nodes(6, half(1)))]
      const topics = yield* joinAll(nodes)
      yield* pass("5 seconds")
      assert.strictEqual(yield* swarms(nodes, topics), 2)
      for (const topic of topics) assert.isAtLeast((yield* topic.neighbors).size, 4)
      isSplit = false
      for (let waited = 0; waited < 360 && !(yield* isOneSwarm(nodes, topics)); waited += 10) yield* pass("10 seconds")
      assert.isTrue(yield* isOneSwarm(nodes, topics))
    }),
  )

  it.effect("a swarm with constant messages stabilises: it does not merge with itself", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const nodes = yield* world.nodes(16)
      const topics = yield* joinAll(nodes)
      const speak = Effect.fnUntraced(function* (minutes: number) {
        for (let second = 0; second < 60 * minutes; second++) {
          yield* topics[second % topics.length]!.broadcast(`message ${second}`)
          yield* pass("1 second")
        }
      })
      const inAll = (counter: "lookups" | "merges") =>
        Effect.map(
          Effect.forEach(topics, (topic) => topic.stats),
          (all) => all.reduce((sum, stats) => sum + stats[counter], 0),
        )
      yield* speak(2)
      const merges = yield* inAll("merges")
      const lookups = yield* inAll("lookups")
      const heard = yield* Effect.forEach(topics, (topic) => collect(topic.events))
      yield* speak(8)
      assert.isAtMost((yield* inAll("merges")) - merges, 10, "a node with three neighbours may ask for a fourth")
      assert.isAbove((yield* inAll("lookups")) - lookups, topics.length, "lookups that could have found candidates")
      const changes = heard.flatMap((events) => events.filter(({ _tag }) => _tag === "NeighborUp"))
      // If every lookup of every node found another swarm, there would be 170 merges and over a thousand new neighbours.
      assert.isAtMost(changes.length, 60)
    }),
  )

  it.effect("without merges two swarms stay two", () =>
    Effect.gen(function* () {
      let isSplit = true
      const world = yield* makeWorld({ dht: { nodes: 100, k: 10 } })
      const half = (parity: number) => ({
        config: { bubbleMerge: { enabled: false }, messageOverlapMerge: { enabled: false } },
        dht: { reaches: (node: number) => !isSplit || node % 2 === parity },
      })
      const nodes = [...(yield* world.nodes(3, half(0))), ...(yield* world.nodes(3, half(1)))]
      const topics = yield* joinAll(nodes)
      yield* pass("20 seconds")
      isSplit = false
      yield* pass("6 minutes")
      assert.strictEqual(yield* swarms(nodes, topics), 2)
    }),
  )

  /** Without the bubble merge. */
  const overlapOnly: TopicConfigInput = { bubbleMerge: { enabled: false } }

  /** Eight nodes are partitioned into halves for two minutes; after that all send messages. Returns the number of swarms. */
  const afterPartition = Effect.fnUntraced(function* (config: TopicConfigInput) {
    const world = yield* makeWorld({ dht: { keepFirst: 0.5, lostPuts: 0.3 } })
    const nodes = yield* world.nodes(8, { config, tuning: { reconnects: false } })
    const topics = yield* joinAll(nodes)
    yield* pass("5 seconds")
    assert.isTrue(yield* isOneSwarm(nodes, topics))
    const halves = [nodes.slice(0, 4), nodes.slice(4)]
    world.network.partition(halves.map((half) => half.map(({ endpointId }) => endpointId)))
    // Long enough that connections across the partition are given up.
    yield* pass("2 minutes")
    assert.strictEqual(yield* swarms(nodes, topics), 2)
    world.network.heal()
    let sent = 0
    // The longest merge interval is 180 s.
    for (let waited = 0; waited < 360 && !(yield* isOneSwarm(nodes, topics)); waited += 10) {
      yield* Effect.forEach(topics, (topic) => topic.broadcast(`message ${sent++}`), { discard: true })
      yield* pass("10 seconds")
    }
    return yield* swarms(nodes, topics)
  })

  it.effect("a partitioned swarm heals by message overlap alone", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* afterPartition(overlapOnly), 1)
    }),
  )

  it.effect("a partitioned swarm stays partitioned without message overlap", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* afterPartition({ ...overlapOnly, messageOverlapMerge: { enabled: false } }), 2)
    }),
  )

  it.effect("the publisher publishes our neighbours and the hashes of the last messages", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ dht: { latency: () => 0 } })
      const sender = yield* world.node(quiet)
      const publisher = { initialDelay: "10 seconds", maxJitter: 0 } as const
      const receiver = yield* world.node(quietWith({ publisher }))
      const [a, b] = yield* joinAll([sender, receiver])
      yield* pass("1 second")
      yield* a!.broadcast("heard")
      yield* pass("15 seconds")
      const [record] = yield* a!.recordPublisher.recordsArray(0n)
      assert.deepStrictEqual(record?.content, {
        activePeers: [sender.endpointId],
        lastMessageHashes: yield* b!.lastMessageHashes,
        address: { relayUrl: undefined, direct: [] },
      })
      assert.strictEqual(record?.content.lastMessageHashes.length, 1)
    }),
  )
})
