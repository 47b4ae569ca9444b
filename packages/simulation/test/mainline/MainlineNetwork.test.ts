import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { targetOf } from "@topic-tracker/dht"
import { encodeBencode, parseDatagram } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { bootstrapNodes, type MainlineClient, MainlineNetwork, prefixOf } from "../../src/mainline/MainlineNetwork.ts"
import { NODE_PORT } from "../../src/mainline/Population.ts"
import { type MainlineSettings, mainlinePreset } from "../../src/scenario/DhtSettings.ts"

const settings: MainlineSettings = {
  ...mainlinePreset("real"),
  alive: 2_000,
  loss: 0,
  jitterMs: 0,
  roundTrip: { _tag: "Constant", ms: 50 },
}
const id = new Uint8Array(20).fill(1)
const key = { k: new Uint8Array(32).fill(2), salt: new Uint8Array(4) }
const target = targetOf(key.k, key.salt)

/** All of its nodes. */
const all = ({ population }: MainlineNetwork) => Array.from({ length: population.size }, (_, node) => node)

type Message = Extract<NonNullable<ReturnType<typeof parseDatagram>>, { y: "r" | "e" }>

/** A network, and a function that sends a query and returns the answer with the ms that it took; none within 10 s: undefined. */
const open = Effect.fnUntraced(function* (changes: Partial<MainlineSettings> = {}) {
  const timers = yield* Timers.make
  let draws = 0
  const random = () => ((draws++ * 0.618034) % 1) as number
  const network = new MainlineNetwork({ ...settings, ...changes }, { timers, random, salt: 3 })
  const arrived: Array<Message> = []
  const client: MainlineClient = {
    address: { host: "99.0.0.1", port: 4000 },
    reaches: () => true,
    receive: (datagram) => arrived.push(parseDatagram(datagram) as Message),
  }
  const send = (q: string, a: object, host: string, from = client) =>
    network.send(encodeBencode({ a: { id, ...a }, q, t: "tt", y: "q" }), { host, port: NODE_PORT }, from)
  const ask = Effect.fnUntraced(function* (q: string, a: object, host: string, from = client) {
    arrived.length = 0
    send(q, a, host, from)
    for (let ms = 0; ms < 10_000; ms += 10) {
      if (arrived[0] !== undefined) return { answer: arrived[0], ms }
      yield* TestClock.adjust(10)
    }
    return undefined
  })
  const hostOf = (node: number) => {
    const host = network.population.hostOf(node)
    return [24, 16, 8, 0].map((shift) => (host >>> shift) & 0xff).join(".")
  }
  /** The first node for which this holds. */
  const find = (is: (node: number) => boolean) => Array.from({ length: network.population.size }, (_, i) => i).find(is)!
  const isThere = (node: number) => !network.population.isDead(node) && !network.population.isMute(node)
  return { network, client, arrived, send, ask, hostOf, find, isThere }
})

const replyOf = (found: { readonly answer: Message } | undefined) => {
  assert.strictEqual(found?.answer.y, "r")
  return (found!.answer as Extract<Message, { y: "r" }>).r
}

describe("MainlineNetwork", () => {
  it.effect("a node that is there answers after its round trip; a dead one does not; a mute one knows no items", () =>
    Effect.gen(function* () {
      const { ask, find, hostOf, isThere, network } = yield* open()
      const there = yield* ask("get", { target }, hostOf(find(isThere)))
      assert.strictEqual(there?.ms, 50)
      assert.strictEqual(replyOf(there).nodes?.length, 8 * 26)
      const ip = there?.answer.y === "r" ? there.answer.ip : undefined
      assert.deepStrictEqual(ip?.slice(0, 4), Uint8Array.of(99, 0, 0, 1))
      assert.isUndefined(yield* ask("get", { target }, hostOf(find((node) => network.population.isDead(node)))))
      const mute = hostOf(find((node) => network.population.isMute(node) && !network.population.isDead(node)))
      assert.isUndefined(yield* ask("get", { target }, mute))
      assert.isDefined(yield* ask("find_node", { target }, mute))
      assert.isUndefined(yield* ask("get", { target }, "8.8.8.8"))
    }),
  )

  it.effect("bootstrap nodes name random nodes, know no items, and one of them is not there", () =>
    Effect.gen(function* () {
      const { ask } = yield* open()
      const answers = yield* Effect.forEach(bootstrapNodes, ({ host }) => ask("find_node", { target }, host))
      assert.deepStrictEqual(
        answers.map((each) => each !== undefined),
        [true, false, true, true],
      )
      assert.notDeepEqual(replyOf(answers[0]).nodes, replyOf(answers[2]).nodes)
      assert.isUndefined(yield* ask("get", { target }, bootstrapNodes[0]!.host))
      const answering = Effect.fnUntraced(function* (bootstrapDead: number) {
        const { ask } = yield* open({ bootstrapDead })
        const answers = yield* Effect.forEach(bootstrapNodes, ({ host }) => ask("find_node", { target }, host))
        return answers.filter((each) => each !== undefined).length
      })
      assert.deepStrictEqual(yield* Effect.forEach([0, 0.5, 0.75, 1], answering), [4, 2, 1, 0])
    }),
  )

  it.effect("stores an item for a token of its own, and half of the nodes keep the first of one seq", () =>
    Effect.gen(function* () {
      const { ask, client, find, hostOf, isThere, network } = yield* open()
      const { population } = network
      for (const keeps of [true, false]) {
        const host = hostOf(find((node) => isThere(node) && population.keepsFirst(node) === keeps))
        const { token } = replyOf(yield* ask("get", { target }, host))
        const put = (value: number, seq: number, given = token, from = client) =>
          ask(
            "put",
            { ...key, seq, sig: new Uint8Array(64).fill(value), token: given, v: Uint8Array.of(value) },
            host,
            from,
          )
        const held = Effect.map(ask("get", { target }, host), (found) => replyOf(found).v)
        assert.strictEqual((yield* put(1, 5, new Uint8Array(8)))?.answer.y, "e")
        const elsewhere = { ...client, address: { host: "99.0.0.2", port: 4000 } }
        assert.strictEqual((yield* put(1, 5, token, elsewhere))?.answer.y, "e")
        assert.isUndefined(yield* held)
        assert.strictEqual((yield* put(1, 5))?.answer.y, "r")
        assert.strictEqual((yield* put(2, 5))?.answer.y, keeps ? "e" : "r")
        assert.deepStrictEqual(yield* held, Uint8Array.of(keeps ? 1 : 2))
        assert.strictEqual((yield* put(3, 4))?.answer.y, "e")
        assert.strictEqual((yield* put(4, 6))?.answer.y, "r")
        assert.deepStrictEqual(yield* held, Uint8Array.of(4))
      }
      assert.strictEqual(all(network).filter((node) => network.holds(node, target)).length, 2)
      assert.deepStrictEqual(
        network.load.map(({ puts }) => puts),
        [6, 6],
      )
    }),
  )

  it.effect("a node sends no more than its bytes a second, after a burst of three seconds' worth", () =>
    Effect.gen(function* () {
      const { arrived, find, hostOf, isThere, network, send } = yield* open({ answerBytesPerSecond: 1_000 })
      const host = hostOf(find(isThere))
      const flood = Effect.gen(function* () {
        arrived.length = 0
        for (let i = 0; i < 100; i++) send("get", { target }, host)
        yield* TestClock.adjust(100)
        return arrived.length
      })
      const burst = yield* flood
      // An answer of eight nodes has some 300 bytes.
      assert.isAtLeast(burst, 9)
      assert.isAtMost(burst, 12)
      yield* TestClock.adjust(900)
      const next = yield* flood
      assert.isAtLeast(next, 2)
      assert.isAtMost(next, 5)
      const unlimited = yield* open({ answerBytesPerSecond: 0 })
      for (let i = 0; i < 100; i++) unlimited.send("get", { target }, host)
      yield* TestClock.adjust(100)
      assert.strictEqual(unlimited.arrived.length, 100)
      assert.strictEqual(network.load[0]?.gets, 200)
    }),
  )

  it.effect("loses packets both ways, and all to nodes that a client does not reach", () =>
    Effect.gen(function* () {
      const { arrived, client, find, hostOf, isThere, send } = yield* open({ loss: 0.3, answerBytesPerSecond: 0 })
      const host = hostOf(find(isThere))
      for (let i = 0; i < 1_000; i++) send("ping", {}, host)
      yield* TestClock.adjust(100)
      assert.closeTo(arrived.length / 1_000, 0.49, 0.05)
      arrived.length = 0
      for (let i = 0; i < 100; i++) send("ping", {}, host, { ...client, reaches: () => false })
      yield* TestClock.adjust(100)
      assert.strictEqual(arrived.length, 0)
    }),
  )

  it.effect("an attacker's item is stored against the rules at the nearest nodes", () =>
    Effect.gen(function* () {
      const { network } = yield* open()
      network.inject({ ...key, seq: 1n, sig: new Uint8Array(64), v: Uint8Array.of(9) }, 5)
      const holders = all(network).filter((node) => network.holds(node, target))
      assert.sameMembers(holders, [...network.population.nearest(prefixOf(target), 5)])
      assert.strictEqual(network.nearestHolding(target), 5)
    }),
  )
})
