/** Nodes that share only a topic's name and a secret find each other, in every combination of languages. */
import { Clock, Effect } from "effect"
import { allJoined, allMeet, allReceiveAll } from "../lib/delivery.ts"
import * as dhts from "../lib/dhts.ts"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import { start } from "../lib/Program.ts"
import { type Language, languages, tracker } from "../lib/peers.ts"
import { cli } from "../lib/programs.ts"

const pairs = languages.flatMap((first) => languages.map((second) => [first, second] as const))

suite("discovery", (it) => {
  for (const [first, second] of pairs) {
    it.effect(`${second} joins a topic that ${first} started`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const { bootstrap } = yield* dhts.mainline(host)
        const options = { topic: "join", bootstrap }
        const starter = yield* tracker(first, host, `starter (${first})`, options)
        yield* Effect.sleep("6 seconds")
        const joiner = yield* tracker(second, host, `joiner (${second})`, options)
        yield* allMeet([starter, joiner])
      }),
    )
  }

  for (const [first, second] of [
    ["Rust", "Rust"],
    ["Rust", "TS"],
    ["TS", "TS"],
  ] as const) {
    it.effect(`${first} and ${second} start at the same moment`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const { bootstrap } = yield* dhts.mainline(host)
        const options = { topic: "cold start", bootstrap }
        const nodes = yield* Effect.all(
          [tracker(first, host, `one (${first})`, options), tracker(second, host, `two (${second})`, options)],
          { concurrency: 2 },
        )
        yield* allMeet(nodes)
      }),
    )
  }

  it.effect("2 Rust and 2 TS: every node receives the messages of every node", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const { bootstrap } = yield* dhts.mainline(host)
      const options = { topic: "two and two", bootstrap }
      const nodes = yield* Effect.forEach(
        ["Rust", "TS", "Rust", "TS"] as const,
        (language, index) => tracker(language, host, `${index} (${language})`, options),
        { concurrency: "unbounded" },
      )
      yield* allMeet(nodes)
    }),
  )

  it.effect("the command `node` and Rust", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const { bootstrap } = yield* dhts.mainline(host)
      const [topic, secret] = ["programs", "a shared secret"]
      const rust = yield* tracker("Rust", host, "Rust", { topic, secret, bootstrap })
      const node = yield* start(host, "node", cli.node, [
        ...cli.args,
        ...["--topic", topic, "--secret", secret, "--bootstrap", bootstrap, "--json"],
        ...["--send", "from the command line", "--every", "500"],
      ])
      const { endpointId } = yield* node.first("ready")
      yield* node.first("joined")
      const isText = ({ text }: { readonly text: string }) => text.startsWith("from the command line")
      const received = yield* rust.first("message", { where: isText })
      assert.strictEqual(received.from, endpointId)
      yield* rust.request({ do: "broadcast", hex: "68656c6c6f" }, "sent")
      const answer = yield* node.first("message", { where: ({ text }) => text === "hello" })
      assert.strictEqual(answer.from, rust.endpointId)
      assert.strictEqual(answer.scope, "swarm")
      yield* node.kill("SIGTERM")
      yield* node.first("closed", { within: "2 seconds" })
      yield* rust.first("neighbor-down", { where: ({ peer }) => peer === endpointId, within: "2 seconds" })
    }),
  )

  it.effect("a third node finds two nodes that met in the minute of its start", () =>
    Effect.gen(function* () {
      const host = yield* Lab.loopback
      const { bootstrap } = yield* dhts.mainline(host)
      // Early in a minute, so that no records of the minute before help.
      const now = yield* Clock.currentTimeMillis
      yield* Effect.sleep(61_000 - (now % 60_000))
      const options = { topic: "third", bootstrap }
      const first = yield* Effect.forEach(["one", "two"], (name) => tracker("Rust", host, `${name} (Rust)`, options), {
        concurrency: 2,
      })
      yield* allJoined(first)
      const third = yield* tracker("TS", host, "third (TS)", options)
      // A node of the crate can take a minute: its own record may hide the others before it has read them.
      yield* third.first("joined", { within: "10 seconds" })
      yield* allMeet([...first, third])
    }),
  )

  for (const leaver of languages) {
    it.effect(`a ${leaver} node leaves and comes back`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const { bootstrap } = yield* dhts.mainline(host)
        const options = { topic: "there and back", bootstrap }
        const stay = yield* Effect.forEach(
          languages,
          (language) => tracker(language, host, `stays (${language})`, options),
          { concurrency: "unbounded" },
        )
        const key = "5a".repeat(32)
        const first = yield* tracker(leaver, host, `leaver (${leaver})`, { ...options, key })
        yield* allMeet([...stay, first])
        yield* first.send({ do: "quit" })
        assert.strictEqual(yield* first.exitCode, 0)
        const isFirst = ({ peer }: { readonly peer: string }) => peer === first.endpointId
        // Its neighbours notice at once.
        for (const node of stay) {
          const events = yield* node.events
          if (!events.some((event) => event.event === "neighbor-up" && isFirst(event))) continue
          yield* node.first("neighbor-down", { where: isFirst, within: "2 seconds" })
        }
        yield* allReceiveAll(stay)
        const again = yield* tracker(leaver, host, `leaver, back (${leaver})`, { ...options, key })
        assert.strictEqual(again.endpointId, first.endpointId)
        yield* allMeet([...stay, again])
      }),
    )
  }

  for (const wrong of languages) {
    it.effect(`${wrong} with another secret neither joins nor disturbs the others`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const { bootstrap } = yield* dhts.mainline(host)
        const options = { topic: "secrets", bootstrap }
        const other: Language = wrong === "Rust" ? "TS" : "Rust"
        const outsider = yield* tracker(wrong, host, `outsider (${wrong})`, { ...options, secret: "not the secret" })
        const insider = yield* tracker(other, host, `insider (${other})`, options)
        yield* Effect.sleep("20 seconds")
        for (const node of [outsider, insider]) {
          const names = (yield* node.events).map(({ event }) => event)
          assert.deepStrictEqual(names, ["ready"], `${node.name} printed more events`)
        }
        // The nodes with the same secret can still use the slot that all of them write to.
        const second = yield* tracker(wrong, host, `second insider (${wrong})`, options)
        yield* allMeet([insider, second])
        assert.strictEqual((yield* outsider.events).length, 1)
      }),
    )
  }
})
