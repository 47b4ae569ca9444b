/** Every example as a real process on an embedded testnet: what its user would see. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Topic, TopicConfig, TopicTracker } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht"
import { Context, Effect, Layer } from "effect"
import { vi } from "vitest"
import { everyOption } from "../src/lib/everyOption.ts"
import { start } from "./Running.ts"

// Many processes at once, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 90_000 })

class Testnet extends Context.Service<Testnet, { readonly bootstrap: ReadonlyArray<string> }>()("test/Testnet") {
  static readonly layer = Layer.effect(
    Testnet,
    Effect.map(DhtTestnet.make(), ({ addresses }) => ({
      bootstrap: ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`],
    })),
  ).pipe(Layer.provide(Crypto.layer()))
}

/** An example that meets the others of this test. */
const startHere = (name: string, args: ReadonlyArray<string> = []) =>
  Effect.flatMap(Testnet, ({ bootstrap }) => start(name, [...bootstrap, ...args]))

layer(Testnet.layer, { concurrent: true, excludeTestServices: true })("examples", (it) => {
  it.effect("chat: two hear each other by name, the same line twice too, and who leaves says goodbye", () =>
    Effect.gen(function* () {
      const topic = ["--topic", "two chats"]
      const ada = yield* startHere("chat", [...topic, "--name", "ada"])
      const bo = yield* startHere("chat", [...topic, "--name", "bo"])
      yield* Effect.all([ada.says(/^\* bo is here/), bo.says(/^\* ada is here/)], { concurrency: 2 })
      yield* ada.type("good morning")
      yield* ada.type("good morning")
      yield* ada.type("that is all")
      yield* bo.says(/^ada › that is all$/)
      assert.lengthOf(
        bo.lines.filter((line) => line === "ada › good morning"),
        2,
      )
      yield* bo.type("/who")
      yield* bo.says(/^\* here: bo \(you\), ada$/)
      yield* bo.type("/what")
      yield* bo.says(/^\* \/who tells who is here/)
      yield* bo.type("/quit")
      assert.strictEqual(yield* bo.exitCode, 0)
      assert.strictEqual(bo.lines.at(-1), "You left.")
      yield* ada.says(/^\* bo is gone: said goodbye$/)
      yield* ada.interrupt
      assert.strictEqual(yield* ada.exitCode, 0)
      assert.deepStrictEqual([...ada.errors, ...bo.errors], [])
    }),
  )

  it.effect("chat-no-wait: what is typed before anybody is there is said when somebody comes", () =>
    Effect.gen(function* () {
      const topic = ["--topic", "patient chat"]
      const ada = yield* startHere("chatNoWait", [...topic, "--name", "ada"])
      yield* ada.type("is anybody here?")
      yield* ada.says(/^\* nobody is here yet/)
      yield* ada.endInput
      const bo = yield* startHere("chat", [...topic, "--name", "bo"])
      yield* bo.says(/^ada › is anybody here\?$/)
      assert.strictEqual(yield* ada.exitCode, 0, "the pipe was at its end, and all was said")
    }),
  )

  it.effect("e2e: both end with exit code 0 once they heard each other", () =>
    Effect.gen(function* () {
      const both = yield* Effect.all([startHere("e2e"), startHere("e2e")])
      for (const one of both) assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
      for (const one of both) assert.include(one.lines, "1 heard and heard us")
    }),
  )

  it.effect("e2e: exit code 1 and one line when nobody is there", () =>
    Effect.gen(function* () {
      const alone = yield* startHere("e2e", ["--topic", "nobody else", "--seconds", "1"])
      assert.strictEqual(yield* alone.exitCode, 1)
      assert.deepStrictEqual(alone.errors, ["Not everybody was heard within 1 seconds."])
    }),
  )

  it.effect("e2e: what it has to say of a hundred others fits into its messages", () =>
    Effect.gen(function* () {
      const { bootstrap } = yield* Testnet
      const topic = ["--topic", "crowd"]
      const one = yield* startHere("e2e", [...topic, "--expect", "100"])
      // One node that speaks for a hundred, which all have heard whoever is next to it.
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
        Effect.provide(TopicTracker.layer({ bootstrap: bootstrap[1] })),
        Effect.forkScoped,
      )
      assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
    }),
  )

  it.effect("simple: each greets the other", () =>
    Effect.gen(function* () {
      const both = yield* Effect.all([startHere("simple"), startHere("simple")])
      for (const one of both) yield* one.says(/^joined$/)
      // Whoever joined last may have missed the greeting; a third is greeted by somebody in any case.
      const third = yield* startHere("simple")
      yield* third.says(/^joined$/)
      yield* Effect.raceFirst(both[0].says(/^heard "hello/), both[1].says(/^heard "hello/))
    }),
  )

  for (const name of ["withoutMergers", "secretRotation", "fullConfig", "customLayer"]) {
    it.effect(`${name}: two hear each other and leave when interrupted`, () =>
      Effect.gen(function* () {
        const both = yield* Effect.all([startHere(name), startHere(name)])
        yield* Effect.forEach(both, (one) => one.says(/^heard "hello \d+ from/), { concurrency: 2, discard: true })
        // A record with its node's loopback address, and where there is IPv6 with that of ::1 too.
        if (name === "customLayer") yield* both[0].says(/^put \d+: (618|638) bytes on \d+ of \d+ nodes$/)
        if (name === "fullConfig") yield* both[0].says(/^publisher\.baseInterval = 10s$/)
        for (const one of both) yield* one.interrupt
        for (const one of both) assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
      }),
    )
  }

  it.effect("record-publisher: each prints what the other offers", () =>
    Effect.gen(function* () {
      const tea = yield* startHere("recordPublisher", ["--offer", "tea", "--every", "1"])
      const cake = yield* startHere("recordPublisher", ["--offer", "cake", "--every", "1"])
      yield* Effect.all([tea.says(/offers "cake" at port 8080$/), cake.says(/offers "tea" at port 8080$/)], {
        concurrency: 2,
      })
    }),
  )

  it.effect("test-your-app: stations show each other's temperature", () =>
    Effect.gen(function* () {
      const valley = yield* startHere("testYourApp", ["--station", "valley"])
      const peak = yield* startHere("testYourApp", ["--station", "peak"])
      yield* Effect.all([valley.says(/^"peak": [\d.]+ °C$/), peak.says(/^"valley": [\d.]+ °C$/)], { concurrency: 2 })
    }),
  )

  it.effect("--help tells what it does and which options there are", () =>
    Effect.gen(function* () {
      const help = yield* start("chat", ["--help"])
      assert.strictEqual(yield* help.exitCode, 0)
      const text = help.lines.join("\n")
      for (const option of ["--topic", "--secret", "--bootstrap", "--testnet", "--name"]) assert.include(text, option)
    }),
  )

  for (const [args, line] of [
    [["--name", " ada"], '--name: " ada" is not a name of 1 to 20 characters without blanks at its ends'],
    [["--name", "a\tb"], '--name: "a\\tb" is not text without control characters'],
    [["--bootstrap", "nowhere"], '--bootstrap: "nowhere" is not HOST:PORT[,HOST:PORT] with ports from 1 to 65535'],
    [["--testnet", "--bootstrap", "127.0.0.1:6881"], "--testnet: not together with --bootstrap"],
  ] as const) {
    it.effect(`a wrong argument is one line and exit code 2: ${args.join(" ").replace("\t", " ")}`, () =>
      Effect.gen(function* () {
        const chat = yield* start("chat", args)
        assert.strictEqual(yield* chat.exitCode, 2)
        assert.deepStrictEqual(chat.errors, [line])
      }),
    )
  }
})

describe("everyOption", () => {
  it.effect("is every option with its default", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* TopicConfig.make(everyOption), TopicConfig.defaults)
    }),
  )
})
