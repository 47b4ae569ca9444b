import { assert, describe, it } from "@effect/vitest"
import { MemoryWorld, Topic, TopicTracker } from "@topic-tracker/core"
import { Context, type Duration, Effect, Exit, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ChatMessage from "../../src/chat/ChatMessage.ts"
import * as ChatRoom from "../../src/chat/ChatRoom.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 100 })
const pass = (duration: Duration.Input) =>
  settle.pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(settle))

/** A world in which nothing is instantaneous, as in the real one. */
const makeWorld = MemoryWorld.make({ dht: { latency: () => 20 }, network: { link: () => ({ delayMs: 10 }) } })

/** Somebody in the room: what it was told, as short lines. */
const makeMember = Effect.fn("makeMember")(function* (world: MemoryWorld.MemoryWorld, name: string) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const services = yield* Layer.buildWithScope(TopicTracker.layerMemory(world), scope)
  const told: Array<string> = []
  const { room, topic } = yield* Effect.gen(function* () {
    const topic = yield* Topic.joinNoWait({ topic: "lobby", secret: "secret" })
    const room = yield* ChatRoom.enter(topic, name)
    yield* room.events.pipe(
      Stream.runForEach((event) => Effect.sync(() => void told.push(line(event)))),
      Effect.forkScoped,
    )
    return { room, topic }
  }).pipe(Effect.provideContext(services), Scope.provide(scope))
  return {
    ...room,
    told,
    topic,
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
      return `- ${event.member.name} ${event.why}`
    case "Said":
      return `${event.member.name}: ${event.text}`
    case "NotSent":
      return `! ${event.why}`
  }
}

describe("ChatRoom", () => {
  it.effect("a newcomer learns the names of all who are there, and they learn its name", () =>
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
        assert.strictEqual(member.told.filter((told) => told === "+ zoe").length, 1)
      }
    }),
  )

  it.effect("a line said twice arrives twice, in order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      for (const text of ["yes", "yes", "no"]) yield* ada.say(text)
      yield* pass("1 second")
      assert.deepStrictEqual(bo.told, ["+ ada", "ada: yes", "ada: yes", "ada: no"])
    }),
  )

  it.effect("what is said while nobody is here is said to the first who comes", () =>
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
      assert.deepStrictEqual(bo.told, ["+ ada", "ada: hello?"])
      assert.strictEqual(yield* ada.unsent, 0)
      yield* ada.allSent
    }),
  )

  it.effect("who leaves says goodbye; who vanishes is gone after three signs of life that did not come", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      const cy = yield* makeMember(world, "cy")
      yield* pass("2 seconds")
      yield* bo.leave
      yield* pass("1 second")
      assert.include(ada.told, "- bo said goodbye")
      // Signs of life keep those who have nothing to say.
      yield* pass("10 minutes")
      assert.deepStrictEqual(yield* ada.names, ["cy"])
      world.network.crash(cy.endpointId)
      yield* pass("2 minutes")
      assert.deepStrictEqual(yield* ada.names, [])
      assert.strictEqual(ada.told.at(-1), "- cy not heard of any more")
    }),
  )

  it.effect("who said goodbye answers no greeting that still comes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      const hello = { author: ada.endpointId, name: "ada", number: 99, act: { _tag: "Hello" as const } }
      yield* ada.topic.broadcast(ChatMessage.encode(hello))
      yield* pass("5 millis")
      yield* bo.leave
      yield* pass("1 second")
      assert.deepStrictEqual(yield* ada.names, [])
      assert.deepStrictEqual(ada.told, ["+ bo", "- bo said goodbye"])
    }),
  )

  it.effect("what is no message of the chat, or would harm a terminal, is dropped", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      const good = { author: bo.endpointId, name: "bo", number: 100, act: { _tag: "Said", text: "fine" } }
      const bad = [
        "plain text",
        "{}",
        JSON.stringify({ ...good, name: "" }),
        JSON.stringify({ ...good, name: "n".repeat(21) }),
        JSON.stringify({ ...good, author: "bo" }),
        JSON.stringify({ ...good, act: { _tag: "Shouted", text: "x" } }),
        JSON.stringify({ ...good, act: { _tag: "Said", text: "\u001b[2J" } }),
        JSON.stringify({ ...good, act: { _tag: "Said", text: "\u202edesrever" } }),
      ]
      for (const text of [...bad, JSON.stringify(good)]) yield* bo.topic.broadcast(text)
      yield* bo.topic.broadcast(new Uint8Array([0xff]))
      yield* pass("1 second")
      assert.deepStrictEqual(ada.told, ["+ bo", "bo: fine"])
    }),
  )

  it.effect("a line too long for a message is told to who said it, and the next one is sent", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      const ada = yield* makeMember(world, "ada")
      const bo = yield* makeMember(world, "bo")
      yield* pass("2 seconds")
      yield* ada.say("long ".repeat(2_000))
      yield* ada.say("short")
      yield* pass("1 second")
      assert.match(ada.told.at(-1) ?? "", /^! .*bytes/)
      assert.strictEqual(bo.told.at(-1), "ada: short")
    }),
  )
})

describe("ChatMessage", () => {
  it("cleaned text can be sent", () => {
    assert.strictEqual(ChatMessage.cleaned(" a\tb\u001b[2J\u202e \n"), "a b [2J")
    assert.strictEqual(ChatMessage.cleaned("\u0000"), "")
    assert.strictEqual(ChatMessage.cleaned("grüße 👩‍👩‍👧 日本"), "grüße 👩‍👩‍👧 日本")
  })
})
