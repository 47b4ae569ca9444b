/** Gossip without tracker and DHT: iroh-gossip 0.101 and ours in one swarm. */
import { Effect } from "effect"
import { allJoined, allMeet, allReceiveAll, receivedOnce } from "../lib/delivery.ts"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import * as Network from "../lib/Network.ts"
import { gossip, type Language, type Node } from "../lib/peers.ts"

const pairs = [
  ["Rust", "TS"],
  ["TS", "Rust"],
] as const

/**
 * The largest content, in bytes, that fits into the default frame of 4,096 bytes. Ours leaves room for the longest hop count, iroh-gossip
 * only for that of the first hop.
 */
const LARGEST_BYTES = { TS: 4055, Rust: 4057 }

suite("gossip", (it) => {
  for (const [first, second] of pairs) {
    it.effect(`${second} joins ${first}: messages of every size and scope, both ways`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const one = yield* gossip(first, host, `one (${first})`, { topic: "sizes" })
        const two = yield* gossip(second, host, `two (${second})`, { topic: "sizes", join: [one.contact] })
        yield* allJoined([one, two])
        // Every content is different: the hash identifies a message.
        const cases = [
          [one, two, "swarm", ""],
          [one, two, "swarm", "00"],
          [two, one, "swarm", "01"],
          [one, two, "swarm", "11".repeat(LARGEST_BYTES[first])],
          [two, one, "swarm", "22".repeat(LARGEST_BYTES[second])],
          [one, two, "neighbors", "33".repeat(100)],
          [two, one, "neighbors", "44".repeat(100)],
          [one, two, "neighbors", "55".repeat(LARGEST_BYTES[first])],
          [two, one, "neighbors", "66".repeat(LARGEST_BYTES[second])],
        ] as const
        for (const [author, receiver, scope, hex] of cases) {
          yield* author.request({ do: "broadcast", hex, scope }, "sent")
          const received = yield* receiver.first("message", { where: (message) => message.hex === hex })
          assert.strictEqual(received.scope, scope)
          assert.strictEqual(received.round, 0)
          assert.strictEqual(received.from, author.endpointId)
        }
        for (const node of [one, two]) yield* receivedOnce(node)
      }),
    )

    it.effect(`${second} leaves, and ${first} notices at once`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const one = yield* gossip(first, host, `one (${first})`, { topic: "leaving" })
        const two = yield* gossip(second, host, `two (${second})`, { topic: "leaving", join: [one.contact] })
        yield* allJoined([one, two])
        yield* two.send({ do: "quit" })
        yield* one.first("neighbor-down", { where: ({ peer }) => peer === two.endpointId, within: "2 seconds" })
        assert.strictEqual(yield* two.exitCode, 0)
        // The same key, at a new address.
        const key = "77".repeat(32)
        const three = yield* gossip(second, host, `three (${second})`, { topic: "leaving", join: [one.contact], key })
        yield* allMeet([one, three])
      }),
    )

    it.effect(`${second} is killed: ${first} continues and accepts the next node`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const one = yield* gossip(first, host, `one (${first})`, { topic: "killed" })
        const two = yield* gossip(second, host, `two (${second})`, { topic: "killed", join: [one.contact] })
        yield* allJoined([one, two])
        yield* two.kill("SIGKILL")
        yield* one.first("neighbor-down", { where: ({ peer }) => peer === two.endpointId, within: "60 seconds" })
        const three = yield* gossip(second, host, `three (${second})`, { topic: "killed", join: [one.contact] })
        yield* allMeet([one, three])
      }),
    )
  }

  it.effect("ours dials again a peer that it could not reach; the crate does not, and is dialled", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const topic = "dialled too early"
      const peer = yield* gossip("Rust", host, "peer", { topic })
      // The key alone, without a lookup for addresses: the first dial fails.
      const ours = yield* gossip("TS", host, "ours", { topic, join: [peer.endpointId] })
      const theirs = yield* gossip("Rust", host, "theirs", { topic, join: [peer.endpointId] })
      yield* Effect.sleep("2 seconds")
      yield* ours.send({ do: "join", peers: [peer.contact] })
      yield* ours.first("joined", { within: "5 seconds" })
      yield* allMeet([ours, peer])
      // Its first request to join is still in the queue of a connection that is never made, so it starts no other dial.
      yield* theirs.send({ do: "join", peers: [peer.contact] })
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual((yield* theirs.request({ do: "neighbors" }, "neighbors")).peers, [])
      yield* ours.send({ do: "join", peers: [theirs.contact] })
      yield* allMeet([ours, peer, theirs])
    }),
  )

  it.effect(
    "one connection that ours makes merges two swarms, although the active view of the other node is full",
    () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const topic = "one link"
        const hub = yield* gossip("Rust", host, "hub", { topic })
        const theirs = [hub]
        for (let number = 1; number <= 5; number++) {
          theirs.push(yield* gossip("Rust", host, `theirs ${number}`, { topic, join: [hub.contact] }))
        }
        yield* allJoined(theirs)
        yield* Effect.sleep("2 seconds")
        assert.lengthOf((yield* hub.request({ do: "neighbors" }, "neighbors")).peers, 5)
        const first = yield* gossip("TS", host, "ours 1", { topic })
        const second = yield* gossip("TS", host, "ours 2", { topic, join: [first.contact] })
        yield* allMeet([first, second])
        yield* second.send({ do: "link", peers: [hub.contact] })
        yield* hub.first("neighbor-up", { where: ({ peer }) => peer === second.endpointId, within: "5 seconds" })
        yield* second.first("neighbor-up", { where: ({ peer }) => peer === hub.endpointId, within: "5 seconds" })
        yield* allReceiveAll([...theirs, first, second])
      }),
  )

  it.effect("a frame above a node's maximum ends the stream and nothing else", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const topic = "too large"
      const ours = yield* gossip("TS", host, "ours", { topic })
      const other = yield* gossip("Rust", host, "other", { topic, join: [ours.contact] })
      const large = yield* gossip("Rust", host, "large", { topic, join: [ours.contact], maxMessageSize: 16_384 })
      yield* allMeet([ours, other, large])
      yield* large.request({ do: "broadcast", hex: "99".repeat(8_000), scope: "neighbors" }, "sent")
      yield* allReceiveAll([ours, other])
      const errors = (yield* ours.events).filter(({ event }) => event === "error" || event === "closed")
      assert.deepStrictEqual(errors, [])
    }),
  )

  it.effect("4 Rust and 4 TS, 20 % packet loss, a shuffle each second: every message reaches every node once", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const options = { topic: "eight", shuffleEvery: 1_000, log: "iroh_gossip::net=debug" }
      const nodes: Array<Node> = []
      for (let number = 0; number < 8; number++) {
        const language: Language = number % 2 === 0 ? "Rust" : "TS"
        const join = nodes.slice(-2).map(({ contact }) => contact)
        nodes.push(yield* gossip(language, host, `${number} (${language})`, { ...options, join }))
      }
      yield* allJoined(nodes)
      yield* Effect.sleep("5 seconds")
      yield* Network.dropPackets(host, 20)
      for (let round = 0; round < 5; round++) yield* allReceiveAll(nodes, "30 seconds")
      for (const node of nodes) yield* receivedOnce(node)
    }),
  )
})
