/**
 * Nodes on several hosts: a DHT and nodes of both languages on one Ethernet bridge, each with its own address, and the faults of real
 * networks. The end-to-end test of distributed-topic-tracker does the same with containers.
 */
import { Effect } from "effect"
import { allMeet, receivedOnce } from "../lib/delivery.ts"
import * as dhts from "../lib/dhts.ts"
import { suite } from "../lib/it.ts"
import * as Network from "../lib/Network.ts"
import { fastWorkers, languages, relay, tracker } from "../lib/peers.ts"

suite("hosts", (it) => {
  it.effect("a DHT host and three nodes", () =>
    Effect.gen(function* () {
      const { host } = yield* Network.make(["dht", "one", "two", "three"])
      const { bootstrap } = yield* dhts.mainline(host("dht"))
      const options = { topic: "hosts", bootstrap }
      const nodes = yield* Effect.all(
        [
          tracker("Rust", host("one"), "one (Rust)", options),
          tracker("TS", host("two"), "two (TS)", options),
          tracker("Rust", host("three"), "three (Rust)", options),
        ],
        { concurrency: "unbounded" },
      )
      yield* allMeet(nodes)
    }),
  )

  it.effect("10 % packet loss at every host", () =>
    Effect.gen(function* () {
      const { host } = yield* Network.make(["dht", "one", "two", "three"])
      for (const name of ["dht", "one", "two", "three"] as const) yield* Network.dropPackets(host(name), 10)
      const { bootstrap } = yield* dhts.mainline(host("dht"))
      const options = { topic: "loss", bootstrap }
      const nodes = yield* Effect.all(
        [
          tracker("TS", host("one"), "one (TS)", options),
          tracker("Rust", host("two"), "two (Rust)", options),
          tracker("TS", host("three"), "three (TS)", options),
        ],
        { concurrency: "unbounded" },
      )
      yield* allMeet(nodes, "120 seconds")
      for (const node of nodes) yield* receivedOnce(node)
    }),
  )

  for (const language of languages) {
    it.effect(`a ${language} host behind a masquerading router dials out and exchanges messages`, () =>
      Effect.gen(function* () {
        const { host } = yield* Network.make(["dht", "one", "two", "inside"], { behindNat: ["inside"] })
        const { bootstrap } = yield* dhts.mainline(host("dht"))
        const options = { topic: "nat", bootstrap, ...fastWorkers }
        // It starts first: the others find its private address, which they cannot reach, so it has to find them.
        const inside = yield* tracker(language, host("inside"), `inside (${language})`, options)
        yield* Effect.sleep("5 seconds")
        const outside = yield* Effect.all(
          [tracker("Rust", host("one"), "one (Rust)", options), tracker("TS", host("two"), "two (TS)", options)],
          { concurrency: "unbounded" },
        )
        yield* allMeet([inside, ...outside], "120 seconds")
      }),
    )
  }

  for (const other of languages) {
    it.effect(`a TS and a ${other} host behind two routers meet through a relay`, () =>
      Effect.gen(function* () {
        const { host } = yield* Network.make(["dht", "relay", "one", "two"], { behindNat: ["one", "two"] })
        const { bootstrap } = yield* dhts.mainline(host("dht"))
        const options = { topic: "relayed", bootstrap, relay: yield* relay(host("relay")), ...fastWorkers }
        const nodes = yield* Effect.all(
          [tracker("TS", host("one"), "one (TS)", options), tracker(other, host("two"), `two (${other})`, options)],
          { concurrency: "unbounded" },
        )
        yield* allMeet(nodes, "120 seconds")
      }),
    )
  }

  it.effect("two hosts behind two routers exchange messages through a third host", () =>
    Effect.gen(function* () {
      const { host } = yield* Network.make(["dht", "one", "two", "three"], { behindNat: ["one", "three"] })
      const { bootstrap } = yield* dhts.mainline(host("dht"))
      const options = { topic: "two routers", bootstrap, ...fastWorkers }
      const nodes = yield* Effect.all(
        [
          tracker("Rust", host("one"), "one (Rust)", options),
          tracker("TS", host("two"), "two (TS)", options),
          tracker("TS", host("three"), "three (TS)", options),
        ],
        { concurrency: "unbounded" },
      )
      yield* allMeet(nodes, "120 seconds")
    }),
  )
})
