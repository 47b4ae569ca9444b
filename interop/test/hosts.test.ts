/**
 * Nodes on several hosts: a DHT and nodes of both languages on one Ethernet bridge, each with its own address, and the faults of real
 * networks. The end-to-end test of distributed-topic-tracker does the same with containers.
 */
import { Effect } from "effect"
import { allMeet, allReceiveAll, receivedOnce, untilAllReceiveAll } from "../lib/delivery.ts"
import * as dhts from "../lib/dhts.ts"
import { suite } from "../lib/it.ts"
import * as Network from "../lib/Network.ts"
import { languages, relay, tracker } from "../lib/peers.ts"

/** Intervals that are short enough for a test. */
const fastWorkers = { publishEvery: 5_000, bubbleMergeEvery: 5_000, overlapMergeEvery: 0 }

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

  for (const lost of ["Rust", "TS"] as const) {
    it.effect(`a ${lost} host is cut off until all have noticed, and returns`, () =>
      Effect.gen(function* () {
        const { host } = yield* Network.make(["dht", "one", "two", "lost"])
        const { bootstrap } = yield* dhts.mainline(host("dht"))
        const options = { topic: "cut off", bootstrap, ...fastWorkers }
        const stay = yield* Effect.all(
          [tracker("Rust", host("one"), "one (Rust)", options), tracker("TS", host("two"), "two (TS)", options)],
          { concurrency: "unbounded" },
        )
        const away = yield* tracker(lost, host("lost"), `lost (${lost})`, options)
        yield* allMeet([...stay, away])
        yield* Network.cutOff(host("lost"))
        const isAway = ({ peer }: { readonly peer: string }) => peer === away.endpointId
        for (const node of stay) {
          const events = yield* node.events
          if (!events.some((event) => event.event === "neighbor-up" && isAway(event))) continue
          yield* node.first("neighbor-down", { where: isAway, within: "90 seconds" })
        }
        yield* allReceiveAll(stay)
        yield* Network.restore(host("lost"))
        yield* untilAllReceiveAll([...stay, away], "120 seconds")
      }),
    )

    it.effect(`a ${lost} host behind a masquerading router dials out and exchanges messages`, () =>
      Effect.gen(function* () {
        const { host } = yield* Network.make(["dht", "one", "two", "inside"], { behindNat: ["inside"] })
        const { bootstrap } = yield* dhts.mainline(host("dht"))
        const options = { topic: "nat", bootstrap, ...fastWorkers }
        // It starts first: the others find its private address, which they cannot reach, so it has to find them.
        const inside = yield* tracker(lost, host("inside"), `inside (${lost})`, options)
        yield* Effect.sleep("5 seconds")
        const outside = yield* Effect.all(
          [tracker("Rust", host("one"), "one (Rust)", options), tracker("TS", host("two"), "two (TS)", options)],
          { concurrency: "unbounded" },
        )
        yield* allMeet([inside, ...outside], "120 seconds")
      }),
    )
  }

  it.effect("a TS host that was cut off finds its Rust neighbour again without the DHT", () =>
    Effect.gen(function* () {
      const { host } = yield* Network.make(["dht", "one", "lost"])
      const { bootstrap } = yield* dhts.mainline(host("dht"))
      const options = { topic: "no DHT", bootstrap, ...fastWorkers, reconnectEvery: 5_000 }
      const nodes = yield* Effect.all(
        [tracker("Rust", host("one"), "one (Rust)", options), tracker("TS", host("lost"), "lost (TS)", options)],
        { concurrency: "unbounded" },
      )
      yield* allMeet(nodes)
      for (const name of ["dht", "one", "lost"] as const) yield* Network.blockDht(host(name))
      yield* Network.cutOff(host("lost"))
      for (const node of nodes) yield* node.first("neighbor-down", { within: "90 seconds" })
      // Its own DHT node stores records, too. After this time they are too old for a lookup.
      yield* Effect.sleep("125 seconds")
      yield* Network.restore(host("lost"))
      yield* untilAllReceiveAll(nodes, "90 seconds")
    }),
  )

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
