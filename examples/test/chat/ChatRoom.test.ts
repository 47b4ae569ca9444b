import { assert, describe, it } from "@effect/vitest"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { MemoryWorld } from "@topic-tracker/core/testing"
import { Context, Duration, Effect, Exit, Layer, Schema, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { ChatMessage, cleaned } from "../../src/chat/ChatMessage.ts"
import * as ChatRoom from "../../src/chat/ChatRoom.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 20 })
/** Lets time pass in small steps: what a message leads to happens at its time, and not at the end. */
const pass = Effect.fnUntraced(function* (duration: Duration.Input) {
  const ms = Duration.toMillis(duration)
  const step = Math.max(50, ms / 200)
  for (let passed = 0; passed < ms; passed += step) yield* Effect.andThen(settle, TestClock.adjust(step))
  yield* settle
})

/** A world with latency, as in a real network. */
const makeWorld = MemoryWorld.make({ dht: { latency: () => 20 }, network: { link: () => ({ delayMs: 10 }) } })

/** The same format without the checks. */
const Unchecked = Schema.Struct({ name: Schema.String, text: Schema.String })

/** A member of the room. `printed` has its events as short lines. */
const makeMember = Effect.fn("makeMember")(function* (world: MemoryWorld.MemoryWorld, name: string) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const services = yield* Layer.buildWithScope(MemoryWorld.layer(world), scope)
  const printed: Array<string> = []
  const { channel, room, texts, unchecked } = yield* Effect.gen(function* () {
    const topic = yield* Topic.joinNoWait({ topic: "lobby", secret: "the secret of the lobby", access: "members" })
    const room = yield* ChatRoom.enter(topic, name)
    /** What another program of the same member sends. */
    const channel = yield* topic.channel("chat", ChatMessage)
    const texts = yield* topic.channel("chat", Schema.String)
    const unchecked = yield* topic.channel("chat", Unchecked)
    yield* room.events.pipe(
      Stream.runForEach((event) => Effect.sync(() => void printed.push(line(event)))),
      Effect.forkScoped,
    )
    return { channel, room, texts, unchecked }
  }).pipe(Effect.provideContext(services), Scope.provide(scope))
  return {
    ...room,
    printed,
    channel,
    texts,
    unchecked,
    endpointId: Context.get(services, TopicTracker).endpointId,
    names: Effect.map(room.others, (others) => others.map(({ name }) => name).sort()),
    leave: Effect.forkChild(Effect.andThen(room.leave, Scope.close(scope, Exit.void))),
  }
})

const line = (event: ChatRoom.ChatEvent): string => {
  switch (event._tag) {
    case "Arrived":
      return `+ ${event.member.name}`
    case "Left":
      return `- ${event.member.name} ${event.reason}`
    case "Said":
      return `${event.member.name}: ${event.text}`
    case "Missed":
      return `? ${event.count} of ${event.author}`
    case "Lagged":
      return `? ${event.count}`
    case "NotSent":
      return `! ${event.reason}`
  }
}

// Nine nodes seal and sign in one process: seconds on a busy machine.
describe("ChatRoom", { timeout: 60_000 }, () => {
  it.effect("gives a newcomer the names of all members, and all members its name", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const names = ["ada", "bo", "cy", "di", "ed", "flo", "gus", "hal"]
      const members = yield* Effect.forEach(names, (name) => makeMember(world, name))
      yield* pass("5 seconds")
      const late = yield* makeMember(world, "zoe")
      yield* pass("5 seconds")
      assert.deepStrictEqual(yield* late.names, names)
      for (const member of members) {
        const others = [...names, "zoe"].filter((name) => name !== member.me.name)
        assert.deepStrictEqual(yield* member.names, others)
        assert.strictEqual(member.printed.filter((line) => line === "+ zoe").length, 1)
      }
    }),
  )

  it.effect("delivers a repeated line twice, in order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      for (const text of ["yes", "yes", "no"]) yield* ada.say(text)
      yield* pass("1 second")
      assert.deepStrictEqual(bo.printed, ["+ ada", "ada: yes", "ada: yes", "ada: no"])
    }),
  )

  it.effect("delivers the same line of two members twice, and the lines of each in its order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const [ada, bo, cy] = yield* Effect.forEach(["ada", "bo", "cy"], (name) => makeMember(world, name))
      yield* pass("2 seconds")
      for (let n = 0; n < 20; n++) {
        for (const member of [ada!, bo!]) yield* member.say(`line ${n}`)
      }
      yield* pass("2 seconds")
      for (const name of ["ada", "bo"]) {
        assert.deepStrictEqual(
          cy!.printed.filter((line) => line.startsWith(`${name}: `)),
          Array.from({ length: 20 }, (_, n) => `${name}: line ${n}`),
        )
      }
    }),
  )

  it.effect("keeps lines while no other member is here, and sends them to the first one", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      yield* pass("1 minute")
      yield* ada.say("hello?")
      yield* ada.say("  ")
      yield* pass("1 minute")
      assert.strictEqual(yield* ada.unsent, 1)
      const bo = yield* makeMember(world, "bo")
      yield* pass("5 seconds")
      assert.deepStrictEqual(bo.printed, ["+ ada", "ada: hello?"])
      assert.strictEqual(yield* ada.unsent, 0)
      yield* ada.allSent
    }),
  )

  it.effect("removes a member that says goodbye, and a member that crashed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      const cy = yield* makeMember(world, "cy")
      yield* pass("2 seconds")
      yield* bo.leave
      yield* pass("1 second")
      assert.include(ada.printed, "- bo said goodbye")
      // Silent members stay.
      yield* pass("10 minutes")
      assert.deepStrictEqual(yield* ada.names, ["cy"])
      world.network.crash(cy.endpointId)
      yield* pass("2 minutes")
      assert.deepStrictEqual(yield* ada.names, [])
      assert.strictEqual(ada.printed.at(-1), "- cy no sign of life")
    }),
  )

  it.effect("does not come back after its goodbye, and comes back when it enters again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      yield* bo.leave
      yield* pass("1 minute")
      assert.deepStrictEqual(yield* ada.names, [])
      yield* makeMember(world, "bo")
      yield* pass("10 seconds")
      assert.deepStrictEqual(ada.printed, ["+ bo", "- bo said goodbye", "+ bo"])
    }),
  )

  it.effect("drops messages of another format and text that could harm a terminal", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      const good = { name: "bo", text: "fine" }
      const bad = [
        { ...good, name: "" },
        { ...good, name: "n".repeat(21) },
        { ...good, text: "" },
        { ...good, text: "\u001b[2J" },
        { ...good, text: "\u202edesrever" },
        { ...good, text: "x".repeat(4_001) },
      ]
      for (const value of bad) yield* bo.unchecked.publish(value)
      yield* bo.texts.publish("plain text")
      yield* bo.unchecked.publish({ ...good, text: "unchecked and fine" })
      yield* bo.channel.publish(good)
      yield* pass("1 second")
      assert.deepStrictEqual(ada.printed, ["+ bo", "bo: unchecked and fine", "bo: fine"])
    }),
  )

  it.effect("reports a line that is too long for a message to its author, and sends the next one", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      yield* ada.say("long ".repeat(2_000))
      yield* ada.say("short")
      yield* pass("1 second")
      assert.include(ada.printed, "! the line has 9999 characters; at most 4000 fit into a message")
      assert.strictEqual(bo.printed.at(-1), "ada: short")
    }),
  )
})

describe("ChatMessage", () => {
  it("accepts cleaned text", () => {
    assert.strictEqual(cleaned(" a\tb\u001b[2J\u202e \n"), "a b [2J")
    assert.strictEqual(cleaned("\u0000"), "")
    assert.strictEqual(cleaned("grüße 👩‍👩‍👧 日本"), "grüße 👩‍👩‍👧 日本")
  })
})
