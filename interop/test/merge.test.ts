/** Bubbles of one topic that cannot see each other become one when they can, by the records that each side publishes. */
import { Effect } from "effect"
import * as dhts from "../lib/dhts.ts"
import { allHearAll, allMeet, untilAllHearAll } from "../lib/hearing.ts"
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
        yield* Network.deafen(host("left"), host("right"))
        yield* Network.deafen(host("right"), host("left"))
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
        // One after the other: nodes that overwrite show few records at a time, and the bubbles would hide each other's.
        const left = yield* two("Rust", "left")
        yield* allMeet(left, "90 seconds")
        const right = yield* two("TS", "right")
        yield* allMeet(right, "90 seconds")
        // Each side has heard messages, and knows nobody of the other.
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
              `${node.name} is in the other bubble already`,
            )
          }
        }
        yield* Network.mend(host("left"))
        yield* Network.mend(host("right"))
        yield* untilAllHearAll([...left, ...right], "120 seconds")
      }),
    )
  }

  it.effect("a TS node bridges two Rust nodes that cannot meet", () =>
    Effect.gen(function* () {
      const { host } = yield* Network.make(["dht", "left", "middle", "right"])
      const { bootstrap } = yield* dhts.mainline(host("dht"))
      yield* Network.deafen(host("left"), host("right"))
      yield* Network.deafen(host("right"), host("left"))
      const options = { topic: "bridge", bootstrap, publishEvery: 5_000, bubbleMergeEvery: 5_000 }
      const [left, right, middle] = yield* Effect.all(
        [
          tracker("Rust", host("left"), "left (Rust)", options),
          tracker("Rust", host("right"), "right (Rust)", options),
          tracker("TS", host("middle"), "middle (TS)", options),
        ],
        { concurrency: "unbounded" },
      )
      yield* untilAllHearAll([left, middle, right], "120 seconds")
      yield* allHearAll([left, middle, right])
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
