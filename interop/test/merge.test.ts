/** Partitions of a topic ("bubbles" in the crate) merge when their hosts can reach each other, through the records of each side. */
import { Effect } from "effect"
import { allMeet, allReceiveAll, untilAllReceiveAll } from "../lib/delivery.ts"
import * as dhts from "../lib/dhts.ts"
import { assert, suite } from "../lib/it.ts"
import * as Network from "../lib/Network.ts"
import { type Language, type TrackerOptions, tracker } from "../lib/peers.ts"

type Merges = Pick<TrackerOptions, "bubbleMergeEvery" | "overlapMergeEvery">

const none: Merges = { bubbleMergeEvery: 0, overlapMergeEvery: 0 }

const cases: ReadonlyArray<{ readonly name: string; readonly Rust: Merges; readonly TS: Merges }> = [
  { name: "Rust's bubble merge finds the TS bubble", Rust: { ...none, bubbleMergeEvery: 5_000 }, TS: none },
  { name: "our bubble merge finds the Rust bubble", Rust: none, TS: { ...none, bubbleMergeEvery: 5_000 } },
  { name: "Rust's message-overlap merge finds the TS bubble", Rust: { ...none, overlapMergeEvery: 5_000 }, TS: none },
  { name: "our message-overlap merge finds the Rust bubble", Rust: none, TS: { ...none, overlapMergeEvery: 5_000 } },
]

suite("merges", (it) => {
  for (const merges of cases) {
    it.effect(merges.name, () =>
      Effect.gen(function* () {
        const { host } = yield* Network.make(["dht", "left", "right"])
        const { bootstrap } = yield* dhts.mainline(host("dht"))
        yield* Network.blockFrom(host("left"), host("right"))
        yield* Network.blockFrom(host("right"), host("left"))
        const two = (language: Language, where: "left" | "right") =>
          Effect.forEach(
            ["one", "two"],
            (name) =>
              tracker(language, host(where), `${where} ${name} (${language})`, {
                topic: "bubbles",
                bootstrap,
                publishEvery: 6_000,
                ...merges[language],
              }),
            { concurrency: 2 },
          )
        // One after the other: DHT nodes that overwrite return few records at a time, and the bubbles would hide each other's records.
        const left = yield* two("Rust", "left")
        yield* allMeet(left, "90 seconds")
        const right = yield* two("TS", "right")
        yield* allMeet(right, "90 seconds")
        // Each side has exchanged messages, and knows no node of the other side.
        const onlyOwn = [
          [left, right],
          [right, left],
        ] as const
        for (const [side, other] of onlyOwn) {
          const strangers = new Set(other.map(({ endpointId }) => endpointId))
          for (const node of side) {
            const ups = (yield* node.events).filter((event) => event.event === "neighbor-up")
            assert.isFalse(
              ups.some(({ peer }) => strangers.has(peer)),
              `${node.name} is already in the other bubble`,
            )
          }
        }
        yield* Network.restore(host("left"))
        yield* Network.restore(host("right"))
        yield* untilAllReceiveAll([...left, ...right], "120 seconds")
      }),
    )
  }

  it.effect("a TS node bridges two Rust nodes that cannot meet", () =>
    Effect.gen(function* () {
      const { host } = yield* Network.make(["dht", "left", "middle", "right"])
      const { bootstrap } = yield* dhts.mainline(host("dht"))
      yield* Network.blockFrom(host("left"), host("right"))
      yield* Network.blockFrom(host("right"), host("left"))
      const options = { topic: "bridge", bootstrap, publishEvery: 5_000, bubbleMergeEvery: 5_000 }
      const [left, right, middle] = yield* Effect.all(
        [
          tracker("Rust", host("left"), "left (Rust)", options),
          tracker("Rust", host("right"), "right (Rust)", options),
          tracker("TS", host("middle"), "middle (TS)", options),
        ],
        { concurrency: "unbounded" },
      )
      yield* untilAllReceiveAll([left, middle, right], "120 seconds")
      yield* allReceiveAll([left, middle, right])
      for (const [node, other] of [
        [left, right],
        [right, left],
      ] as const) {
        const events = yield* node.events
        assert.isFalse(events.some((event) => event.event === "neighbor-up" && event.peer === other.endpointId))
        const fromOther = events.findLast((event) => event.event === "message" && event.text.startsWith(other.name))
        assert.strictEqual(fromOther?.event === "message" ? fromOther.from : undefined, middle.endpointId)
        assert.strictEqual(fromOther?.event === "message" ? fromOther.round : undefined, 1)
      }
    }),
  )
})
