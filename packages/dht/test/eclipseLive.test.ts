/**
 * Two fresh nodes among 100 honest and 24 hostile ones on real sockets: one puts, the other finds the item within 5 s, each time.
 * The addresses are loopback ones, treated as public in one half of the tests: there the limits per host and network hold.
 */
import { assert, describe, it } from "@effect/vitest"
import { SocketAddress } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Option, Random, Stream } from "effect"
import { targetOf } from "../src/bep44/item.ts"
import { HostRules } from "../src/krpc/HostRules.ts"
import type { ReachOf } from "../src/krpc/nodeId.ts"
import { makeUdpNode, type UdpNode } from "../src/makeUdpNode.ts"
import { ascii, newKey, text, values } from "./clients.ts"
import { type HostileMode, startHostile } from "./hostileNodes.ts"

const TRIES = 10
const MEET_MS = 5_000

/** The reach of addresses in a test, and the host of each node. */
interface Setting {
  readonly reachOf: ReachOf
  readonly honest: (n: number) => string
  readonly fresh: (n: number) => string
  /** The hosts of the attacker, for each part of the test. */
  readonly hostile: ReadonlyArray<ReadonlyArray<string>>
}

/** Loopback addresses count as public ones, and no two honest nodes are in one network. */
const publicHosts: Setting = {
  reachOf: (ip) => (ip >>> 24 === 127 ? "public" : SocketAddress.reachOf4(ip)),
  honest: (n) => `127.${1 + n}.1.1`,
  fresh: (n) => `127.180.${n}.1`,
  hostile: [["127.200.1.1"], ["127.200.1.1", "127.201.1.1", "127.202.1.1"]],
}

/** All nodes are on one host, which may have any number of them. */
const oneHost: Setting = {
  reachOf: SocketAddress.reachOf4,
  honest: () => "127.0.0.1",
  fresh: () => "127.0.0.1",
  hostile: [["127.0.0.1"]],
}

const start = (host: string, bootstrap: ReadonlyArray<UdpNode> = []) =>
  makeUdpNode({
    host,
    bootstrap: bootstrap.map(({ node: { host, port } }) => ({ host, port })),
    retries: 0,
    queriesTotal: 100_000,
    replyBytesTotal: 100_000_000,
    // All nodes share one event loop: on a busy machine they answer late.
    roundTripFloor: 100,
  })

/** 100 honest nodes that know each other as far as their tables have room, when the lookups of their start are over. */
const startHonest = Effect.fnUntraced(function* ({ honest }: Setting) {
  const nodes = yield* Effect.forEach(Array.from({ length: 100 }).keys(), (n) => start(honest(n)))
  for (const one of nodes) for (const other of nodes) if (one !== other) one.addNode(other.node)
  const packets = Effect.map(
    Effect.forEach(nodes, ({ service }) => service.stats),
    (stats) => stats.reduce((sum, { packetsSent }) => sum + packetsSent, 0),
  )
  yield* Effect.sleep(1200)
  for (let before = -1, sent = yield* packets; before !== sent; sent = yield* packets) {
    before = sent
    yield* Effect.sleep(200)
  }
  return nodes
})

/** Whether a fresh node finds in time what another one has put, under a key of its own. */
const meet = Effect.fnUntraced(function* (
  { fresh }: Setting,
  honest: ReadonlyArray<UdpNode>,
  mode: HostileMode,
  hosts: ReadonlyArray<string>,
  n: number,
) {
  const { key, salt, at } = yield* newKey
  const target = targetOf(at.publicKey, salt)
  const hostile = yield* startHostile({ mode, target, key, salt, hosts, count: 24, seed: n })
  for (const { addNode } of honest) for (const node of hostile) addNode(node)
  const began = performance.now()
  const alice = yield* start(fresh(2 * n), [honest[n % 100]!])
  const bob = yield* start(fresh(2 * n + 1), [honest[(n + 50) % 100]!])
  yield* alice.service.put({ key, salt, seq: 2n, value: ascii("alice") })
  const found = yield* bob.service.get(at).pipe(
    Stream.filter(({ value }) => text(value) === "alice"),
    Stream.runHead,
  )
  return Option.isSome(found) && performance.now() - began < MEET_MS
})

const expectMeetings = (setting: Setting) =>
  Effect.gen(function* () {
    const honest = yield* startHonest(setting)
    let n = 0
    for (const mode of ["silent", "garbage", "madeUp"] as const) {
      for (const hosts of setting.hostile) {
        const tries = Array.from({ length: TRIES }, () => n++)
        const met = yield* Effect.forEach(tries, (n) => Effect.scoped(meet(setting, honest, mode, hosts, n)))
        assert.strictEqual(met.filter((one) => one).length, TRIES, `${mode} on ${hosts.length} addresses`)
      }
    }
  }).pipe(Effect.provideService(HostRules, { reachOf: setting.reachOf }), Effect.scoped, Effect.provide(Crypto.layer()))

describe("two fresh nodes meet under a key beside which 24 hostile nodes lie", () => {
  it.live("on public hosts, of which the attacker has one or three", () => expectMeetings(publicHosts), 180_000)
  it.live("on a private host, which may have any number of nodes", () => expectMeetings(oneHost), 120_000)
})

describe("a get that asks four of the nodes around a key", () => {
  it.live("finds an item although the four nearest nodes are hostile", () =>
    Effect.gen(function* () {
      const honest = yield* Effect.forEach(Array.from({ length: 20 }), () => start("127.0.0.1"))
      for (const one of honest) for (const other of honest) if (one !== other) one.addNode(other.node)
      const { key, salt, at } = yield* newKey
      const target = targetOf(at.publicKey, salt)
      const hosts = ["127.0.0.1"]
      const hostile = yield* startHostile({ mode: "garbage", target, key, salt, hosts, count: 4, seed: 1 })
      for (const { addNode } of honest) for (const node of hostile) addNode(node)
      yield* honest[0]!.service.put({ key, salt, seq: 2n, value: ascii("alice") })
      const { service } = yield* start("127.0.0.1", honest.slice(1, 2))
      yield* Stream.runDrain(service.get(at))
      assert.deepStrictEqual(yield* values(service.get(at, { nodes: 4 })), ["alice", "garbage"])
    }).pipe(Random.withSeed("polled"), Effect.scoped, Effect.provide(Crypto.layer())),
  )
})
