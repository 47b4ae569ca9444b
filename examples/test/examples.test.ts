/** Runs every example as a real process on an embedded testnet and checks its output. */
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Topic, TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Effect } from "effect"
import { vi } from "vitest"
import { everyOption } from "../src/lib/everyOption.ts"
import { start } from "./Running.ts"
import { startHere, Testnet } from "./Testnet.ts"

// Many processes run at once, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

layer(Testnet.layer, { concurrent: true, excludeTestServices: true })("examples", (it) => {
  it.effect(
    "chat: two members receive each other's lines by name, also the same line twice, and a member that leaves says goodbye",
    () =>
      Effect.gen(function* () {
        const topic = ["--topic", "two chats"]
        const ada = yield* startHere("chat", [...topic, "--name", "ada"])
        const bo = yield* startHere("chat", [...topic, "--name", "bo"])
        yield* Effect.all([ada.prints(/^\* bo is here/), bo.prints(/^\* ada is here/)], { concurrency: 2 })
        yield* ada.type("good morning")
        yield* ada.type("good morning")
        yield* ada.type("that is all")
        yield* bo.prints(/^ada › that is all$/)
        assert.lengthOf(
          bo.lines.filter((line) => line === "ada › good morning"),
          2,
        )
        yield* bo.type("good morning")
        yield* ada.prints(/^bo › good morning$/)
        yield* bo.type("/who")
        yield* bo.prints(/^\* here: bo \(you\), ada$/)
        yield* bo.type("/what")
        yield* bo.prints(/^\* \/who lists the members/)
        yield* bo.type("/quit")
        assert.strictEqual(yield* bo.exitCode, 0)
        assert.strictEqual(bo.lines.at(-1), "You left.")
        yield* ada.prints(/^\* bo is gone: said goodbye$/)
        yield* ada.interrupt
        assert.strictEqual(yield* ada.exitCode, 0)
        assert.deepStrictEqual([...ada.errors, ...bo.errors], [])
      }),
  )

  it.effect("chat-no-wait: a line that is typed before a peer is found is sent when one arrives", () =>
    Effect.gen(function* () {
      const topic = ["--topic", "patient chat"]
      const ada = yield* startHere("chatNoWait", [...topic, "--name", "ada"])
      yield* ada.type("is anybody here?")
      yield* ada.prints(/^\* no other member is here yet/)
      yield* ada.endInput
      const bo = yield* startHere("chat", [...topic, "--name", "bo"])
      yield* bo.prints(/^ada › is anybody here\?$/)
      assert.strictEqual(yield* ada.exitCode, 0, "the pipe ended, and all lines were sent")
    }),
  )

  it.effect("e2e: both end with exit code 0 after they heard each other", () =>
    Effect.gen(function* () {
      const both = yield* Effect.all([startHere("e2e"), startHere("e2e")])
      for (const one of both) assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
      for (const one of both) assert.include(one.lines, "1 heard and heard us")
    }),
  )

  it.effect("e2e: the secret of a file, of the environment and of --secret is the same", () =>
    Effect.gen(function* () {
      const { bootstrap } = yield* Testnet
      const file = join(mkdtempSync(join(tmpdir(), "secret-")), "secret")
      writeFileSync(file, "of three\n", { mode: 0o600 })
      const args = [...bootstrap, "--topic", "three secrets", "--expect", "2"]
      const three = [
        yield* start("e2e", [...args, "--secret-file", file]),
        yield* start("e2e", args, { TOPIC_TRACKER_SECRET: "of three" }),
        yield* start("e2e", [...args, "--secret", "of three"]),
      ]
      for (const one of three) assert.strictEqual(yield* one.exitCode, 0)
    }),
  )

  it.effect("e2e: exit code 1 and one line if there is no other node", () =>
    Effect.gen(function* () {
      const alone = yield* startHere("e2e", ["--topic", "nobody else", "--seconds", "1"])
      assert.strictEqual(yield* alone.exitCode, 1)
      assert.deepStrictEqual(alone.errors, ["Not all nodes were heard within 1 seconds."])
    }),
  )

  it.effect("e2e: the report of a hundred other nodes fits into its messages", () =>
    Effect.gen(function* () {
      const { bootstrap } = yield* Testnet
      const topic = ["--topic", "crowd"]
      const one = yield* startHere("e2e", [...topic, "--expect", "100"])
      // One node that sends the reports of a hundred nodes, all of which have heard its neighbors.
      const crowd = Effect.gen(function* () {
        const topic = yield* Topic.join({ topic: "crowd", secret: "no secret at all" })
        const heard = [...(yield* topic.neighbors)]
        for (let number = 0; ; number++) {
          const from = number.toString(16).padStart(64, "0")
          yield* topic.broadcast(JSON.stringify({ from, heard, number }))
          yield* Effect.sleep("10 millis")
        }
      })
      yield* crowd.pipe(
        Effect.scoped,
        Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap: bootstrap[1] } } })),
        Effect.forkScoped,
      )
      assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
    }),
  )

  it.effect("simple: nodes greet each other", () =>
    Effect.gen(function* () {
      const both = yield* Effect.all([startHere("simple"), startHere("simple")])
      for (const one of both) yield* one.prints(/^joined$/)
      // The node that joined last may have missed the greeting; a third node is greeted in any case.
      const third = yield* startHere("simple")
      yield* third.prints(/^joined$/)
      yield* Effect.raceFirst(both[0].prints(/^heard "hello/), both[1].prints(/^heard "hello/))
    }),
  )

  for (const name of ["withoutMergers", "secretRotation", "fullConfig", "customLayer"]) {
    it.effect(`${name}: two nodes receive each other's messages and leave when interrupted`, () =>
      Effect.gen(function* () {
        const both = yield* Effect.all([startHere(name), startHere(name)])
        yield* Effect.forEach(both, (one) => one.prints(/^heard "hello \d+ from/), { concurrency: 2, discard: true })
        // The record has the loopback address of its node, and with IPv6 also ::1.
        if (name === "customLayer") yield* both[0].prints(/^put \d+: (618|638) bytes on \d+ of \d+ nodes$/)
        if (name === "fullConfig") yield* both[0].prints(/^publisher\.baseInterval = 10s$/)
        for (const one of both) yield* one.interrupt
        for (const one of both) assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
      }),
    )
  }

  it.effect("record-publisher: each prints the offer of the other", () =>
    Effect.gen(function* () {
      const tea = yield* startHere("recordPublisher", ["--offer", "tea", "--every", "1"])
      const cake = yield* startHere("recordPublisher", ["--offer", "cake", "--every", "1"])
      yield* Effect.all([tea.prints(/offers "cake" at port 8080$/), cake.prints(/offers "tea" at port 8080$/)], {
        concurrency: 2,
      })
    }),
  )

  it.effect("test-your-app: stations print each other's temperature", () =>
    Effect.gen(function* () {
      const valley = yield* startHere("testYourApp", ["--station", "valley"])
      const peak = yield* startHere("testYourApp", ["--station", "peak"])
      yield* Effect.all([valley.prints(/^"peak": [\d.]+ °C$/), peak.prints(/^"valley": [\d.]+ °C$/)], {
        concurrency: 2,
      })
    }),
  )

  it.effect("--help prints the description and the options", () =>
    Effect.gen(function* () {
      const help = yield* start("chat", ["--help"])
      assert.strictEqual(yield* help.exitCode, 0)
      const text = help.lines.join("\n")
      for (const option of ["--topic", "--secret", "--secret-file", "--bootstrap", "--testnet", "--name"])
        assert.include(text, option)
    }),
  )

  for (const [args, line] of [
    [["--name", " ada"], '--name: " ada" is not a name of 1 to 20 characters without blanks at its ends'],
    [["--name", "a\tb"], '--name: "a\\tb" is not text without control characters'],
    [["--bootstrap", "nowhere"], '--bootstrap: "nowhere" is not HOST:PORT[,HOST:PORT] with ports from 1 to 65535'],
    [["--testnet", "--bootstrap", "127.0.0.1:6881"], "--testnet: not together with --bootstrap"],
  ] as const) {
    it.effect(`a wrong argument gives one line and exit code 2: ${args.join(" ").replace("\t", " ")}`, () =>
      Effect.gen(function* () {
        const chat = yield* start("chat", args)
        assert.strictEqual(yield* chat.exitCode, 2)
        assert.deepStrictEqual(chat.errors, [line])
      }),
    )
  }
})

describe("everyOption", () => {
  it.effect("has every option with its default", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* TopicConfig.make(everyOption), TopicConfig.defaults)
    }),
  )
})
