/**
 * Nodes on several hosts, of which one is cut off from the others for a while. They mostly wait until the others notice, for minutes, so they
 * are a file of their own, which runs beside the others.
 */
import { Effect } from "effect"
import { allMeet, allReceiveAll, untilAllReceiveAll } from "../lib/delivery.ts"
import * as dhts from "../lib/dhts.ts"
import { suite } from "../lib/it.ts"
import * as Network from "../lib/Network.ts"
import { fastWorkers, languages, tracker } from "../lib/peers.ts"

suite("hosts that are cut off", (it) => {
  for (const lost of languages) {
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
})
