/** What the messages of one peer may cost: budgets of work, turns between peers, and peers that send malformed data. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Timers } from "@topic-tracker/common"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { PeerBudget, TotalBudget } from "../../src/engine/WorkBudget.ts"
import type { GossipEvent, Protocol } from "../../src/index.ts"
import { MessageId } from "../../src/protocol/index.ts"
import { makeEngine } from "./bareEngine.ts"
import {
  connectPeer,
  framesOf,
  freshContent,
  neighborRequest,
  passMs,
  payloadOf,
  type RemotePeer,
} from "./remotePeer.ts"
import { freshTopic } from "./world.ts"

const setUp = Effect.fnUntraced(function* () {
  const engine = yield* makeEngine()
  const id = freshTopic()
  const topic = engine.openTopic(id)!
  const events: Array<GossipEvent> = []
  const emit = topic.emit.bind(topic)
  topic.emit = (event) => {
    events.push(event)
    emit(event)
  }
  const connect = (options?: Parameters<typeof connectPeer>[2]) => connectPeer(engine, id, options)
  /** The contents of the payloads so far, as numbers: see `freshContent`. */
  const received = () => events.flatMap((event) => (event._tag === "Received" ? [numberOf(event.content)] : []))
  return { engine, id, topic, connect, received }
})

const join = (peer: RemotePeer) => {
  peer.send(neighborRequest)
  return passMs(10)
}

const numberOf = (content: Uint8Array) => new DataView(content.buffer, content.byteOffset).getUint32(0)

const joinMessage: Protocol.Join = { _tag: "Join", data: undefined }

const announced = Array.from({ length: 112 }, () => ({ id: MessageId.ofContent(freshContent(8)), round: 0 }))

describe("frames for a topic that is not open", () => {
  it.effect("are not decoded, and only a peer that takes us for a member gets an answer, a few times a second", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const peer = connect()
      yield* join(peer)
      const send = peer.openStream()
      const header = framesOf(freshTopic())
      send(header)
      // The tag of a Shuffle, and then bytes that are none.
      const notDecoded = Uint8Array.of(0, 0, 0, 4, 0, 2, 255, 255)
      for (let i = 0; i < 100; i++) send(notDecoded)
      yield* passMs(10)
      assert.strictEqual(engine.stats().skippedMessages, 100)
      assert.strictEqual(engine.stats().malformedStreams, 0)
      const joins = framesOf(undefined, ...Array.from({ length: 100 }, () => joinMessage))
      for (let i = 0; i < 20; i++) {
        send(joins)
        yield* passMs(50)
      }
      const answers = peer.taken.filter(({ _tag }) => _tag === "Disconnect").length
      assert.isAtLeast(answers, 1)
      assert.isAtMost(answers, 6, "at most five in a second")
      send(Uint8Array.of(0, 0, 0, 2, 0, 6))
      yield* passMs(10)
      assert.strictEqual(engine.stats().malformedStreams, 1, "a tag that no message has")
    }),
  )
})

const floods: ReadonlyArray<readonly [name: string, seconds: number, make: () => Protocol.Message]> = [
  ["Neighbor", 60, () => neighborRequest],
  ["Prune", 5, () => ({ _tag: "Prune" })],
  [
    "IHave",
    5,
    () => ({
      _tag: "IHave",
      messages: Array.from({ length: 100 }, () => ({ id: MessageId.ofContent(freshContent(8)), round: 0 })),
    }),
  ],
]

describe("a peer that floods", () => {
  for (const [name, seconds, make] of floods) {
    it.effect(
      `with 400 KB/s of ${name} for ${seconds} s makes no other peer wait${seconds > 30 ? ", and is disconnected" : ""}`,
      () =>
        Effect.gen(function* () {
          const { connect, engine, received } = yield* setUp()
          const [flooder, honest] = [connect(), connect()]
          for (const peer of [flooder, honest]) yield* join(peer)
          // A second's worth, sent again and again: new ids and names would cost the test too much time.
          const messages: Array<Protocol.Message> = []
          for (let bytes = 0; bytes < 4_000; ) {
            const message = make()
            bytes += framesOf(undefined, message).length
            messages.push(message)
          }
          const frames = framesOf(undefined, ...messages)
          let late = 0
          let expelledAfter: number | undefined
          for (let second = 0; second < seconds && expelledAfter === undefined; second++) {
            for (let i = 0; i < 100; i++) {
              flooder.sendFrames(frames)
              if (i % 10 !== 0) continue
              const payload = payloadOf(freshContent(100))
              honest.send(payload)
              yield* passMs(100, 20)
              if (received().at(-1) !== numberOf(payload.content)) late++
            }
            if (flooder.isClosed()) expelledAfter = second
          }
          const { expelled, throttled } = engine.stats()
          assert.strictEqual(late, 0)
          if (seconds < 30) return
          assert.isAbove(throttled, 0)
          assert.strictEqual(expelled, 1)
          assert.isAtLeast(expelledAfter!, 30)
          assert.isTrue(connect({ id: flooder.id }).isClosed(), "refused")
        }),
    )
  }

  it.effect("with streams, or with single bytes, is served within its budget", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const [opener, dripper] = [connect(), connect()]
      for (const peer of [opener, dripper]) yield* join(peer)
      let opened = 0
      const drop = Uint8Array.of(0)
      const drip = dripper.openStream()
      const { reads } = engine.stats()
      for (let i = 0; i < 100; i++) {
        for (let n = 0; n < 100; n++) if (opener.tryOpenStream()) opened++
        for (let n = 0; n < 500; n++) drip(drop)
        yield* passMs(100)
      }
      // Within 10 s: 400 ms at once and 40 ms a second; a stream costs 150 µs, and a chunk that completes no frame 40 µs.
      assert.isAtMost(opened, (400_000 + 10_000 * 40) / 150 + 10)
      assert.isAtMost(engine.stats().reads - reads, (400_000 + 10_000 * 40) / 40 + 10)
    }),
  )

  it.effect("with messages that cost 40 ms a second and more is not read faster than that", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const flooder = connect()
      yield* join(flooder)
      const before = engine.stats().messagesIn
      const frames = framesOf(undefined, ...Array.from({ length: 570 }, () => joinMessage))
      for (let second = 0; second < 10; second++) {
        // 57,000 Joins a second.
        for (let i = 0; i < 100; i++) flooder.sendFrames(frames)
        yield* passMs(1_000)
      }
      // 400 ms at once and 40 ms a second, at 40 µs and more for each.
      assert.isBelow(engine.stats().messagesIn - before, (400_000 + 10 * 40_000) / 40 + 570)
      assert.isAbove(flooder.unread(), 900)
    }),
  )

  for (const [who, isNeighbor, burst, rate] of [
    ["neighbours", true, 2_000_000, 300],
    ["strangers", false, 1_000_000, 150],
  ] as const)
    it.effect(`together with 50 others, all ${who} and each within its budget, stays within the budget of all`, () =>
      Effect.gen(function* () {
        const timers = yield* Timers.make
        const total = new TotalBudget(timers)
        let done = 0
        for (let i = 0; i < 50; i++) flood(timers, total, isNeighbor, (cost) => (done += cost))
        yield* passMs(10_000)
        // Each peer may have one message in excess.
        assert.isAtMost(done, burst + 10_000 * rate + 50_000)
        assert.isAtLeast(done, burst + 9_000 * rate)
      }),
    )

  it.effect("together with 50 other strangers takes nothing from the neighbours", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const total = new TotalBudget(timers)
      for (let i = 0; i < 50; i++) flood(timers, total, false, () => {})
      yield* passMs(5_000)
      const neighbor = new PeerBudget(timers, total, () => {})
      neighbor.isNeighbor = true
      assert.isTrue(neighbor.mayWork({ proceed: () => {} }))
    }),
  )
})

/** Keeps a peer busy with messages that cost 1 ms each. */
const flood = (timers: Timers, total: TotalBudget, isNeighbor: boolean, onWork: (cost: number) => void): void => {
  const budget = new PeerBudget(timers, total, () => {})
  budget.isNeighbor = isNeighbor
  const flooder = {
    proceed: () => {
      while (budget.mayWork(flooder)) {
        budget.spend(1_000)
        onWork(1_000)
      }
    },
  }
  flooder.proceed()
}

describe("a machine on which the work takes longer than estimated", () => {
  /** The work done for a stranger and for a neighbour in 20 s, in estimates, if each µs of it takes `times` as long in truth. */
  const doneAt = Effect.fnUntraced(function* (times: number, ownMs: number) {
    const timers = yield* Timers.make
    let used = 0
    const total = new TotalBudget(timers, () => used + (timers.now() * ownMs) / 1_000)
    const done = { stranger: 0, neighbor: 0 }
    yield* passMs(2_000)
    flood(timers, total, false, (cost) => {
      done.stranger += cost
      used += (cost * times) / 1_000
    })
    flood(timers, total, true, (cost) => {
      done.neighbor += cost
    })
    yield* passMs(20_000)
    return { ...done }
  })

  it.effect("a stranger gets as much of a core as on any other, and a neighbour as much work", () =>
    Effect.gen(function* () {
      const usual = yield* doneAt(1, 0)
      assert.closeTo(usual.stranger, 400_000 + 20_000 * 40, 10_000)
      for (const times of [2, 5]) {
        const slow = yield* doneAt(times, 0)
        // The first 400 ms, and then 4 % of a core. Before the first measurement it gets some more.
        assert.isAtMost((slow.stranger - 400_000) * times, 20_000 * 40 * 1.1)
        assert.isAtLeast((slow.stranger - 400_000) * times, 20_000 * 40 * 0.7)
        assert.strictEqual(slow.neighbor, usual.neighbor)
      }
    }),
  )

  it.effect("what the process did before the stranger came does not count", () =>
    Effect.gen(function* () {
      // 300 ms of each second.
      const busy = yield* doneAt(1, 300)
      assert.closeTo(busy.stranger, 400_000 + 20_000 * 40, 40_000)
    }),
  )

  it.effect("a stranger is served in any case, at an eighth of its rate", () =>
    Effect.gen(function* () {
      const slowest = yield* doneAt(1_000, 0)
      assert.isAtLeast(slowest.stranger, 400_000 + 19_000 * 5)
    }),
  )
})

describe("payloads whose check takes longer than estimated", () => {
  it.effect("cost the time that it takes, if they are not for us", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let checksMs = 0
      const slowed: Clock.Clock = {
        ...clock,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + BigInt(checksMs * 1e6),
      }
      const engine = yield* makeEngine().pipe(Effect.provideService(Clock.Clock, slowed))
      const id = freshTopic()
      let checks = 0
      const validate = (_from: unknown, content: Uint8Array) => {
        checks++
        checksMs += 0.5
        return content[4] === 1 ? "accept" : "ignore"
      }
      const topic = engine.openTopic(id, { validate })!
      const peer = connectPeer(engine, id)
      yield* join(peer)
      const send = (isForUs: boolean) => {
        const content = freshContent(100)
        content[4] = isForUs ? 1 : 0
        peer.send(payloadOf(content))
      }
      for (let i = 0; i < 1_000; i++) send(true)
      yield* passMs(1_000, 1)
      assert.strictEqual(checks, 1_000)
      assert.strictEqual(engine.stats().throttled, 0)
      for (let i = 0; i < 1_000; i++) send(false)
      yield* passMs(400, 1)
      assert.isTrue(topic.neighbors.has(peer.id))
      // 400 ms at once, and 4 % of the time that passes; each check takes 0.5 ms.
      assert.isAtLeast(checks - 1_000, 800)
      assert.isAtMost(checks - 1_000, 880)
      assert.isAbove(engine.stats().throttled, 0)
    }),
  )

  it.effect("and duplicates do not make a neighbour wait, 1,000 in a second", () =>
    Effect.gen(function* () {
      const { connect, engine, topic } = yield* setUp()
      const peer = connect()
      yield* join(peer)
      const payload = payloadOf(freshContent(100))
      // 1,000 duplicates in a second: 10 µs each.
      for (let i = 0; i < 1_000; i++) peer.send(payload)
      yield* passMs(1_000)
      assert.isTrue(topic.neighbors.has(peer.id))
      assert.strictEqual(engine.stats().throttled, 0)
    }),
  )
})

describe("a peer that is no neighbour", () => {
  for (const [name, isOpen, message] of [
    ["payloads", true, () => payloadOf(freshContent(3_900))],
    ["announcements", true, (): Protocol.Message => ({ _tag: "IHave", messages: announced })],
    ["frames for a topic that is not open", false, () => payloadOf(freshContent(3_900))],
  ] as const) {
    it.effect(`is read at 100 KB/s of ${name} at most, once its reserve is spent`, () =>
      Effect.gen(function* () {
        const { connect, engine } = yield* setUp()
        const peer = connect()
        const send = peer.openStream()
        if (!isOpen) send(framesOf(freshTopic()))
        else send(framesOf([...engine.topics.values()][0]!.id))
        for (let i = 0; i < 1_500; i++) send(framesOf(undefined, message()))
        yield* passMs(1_000)
        const before = engine.stats().bytesIn
        yield* passMs(10_000)
        const rate = (engine.stats().bytesIn - before) / 10
        assert.isAtMost(rate, 100_000)
        assert.isAtLeast(rate, 60_000, "it is read nevertheless")
      }),
    )
  }
})

describe("a neighbour that announces payloads that do not exist", () => {
  it.effect("at 400 KB/s for 40 s grows neither the memory nor the timers of the engine", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const flooder = connect()
      yield* join(flooder)
      let next = 0
      const announcement = (): Protocol.IHave => ({
        _tag: "IHave",
        messages: Array.from({ length: 100 }, () => ({ id: MessageId.read(idBytes(next++)), round: 0 })),
      })
      const flood = (seconds: number) =>
        Effect.gen(function* () {
          let timers = 0
          for (let i = 0; i < 10 * seconds; i++) {
            // 3.5 KB each.
            for (let n = 0; n < 11; n++) flooder.send(announcement())
            yield* passMs(100, 20)
            timers = Math.max(timers, engine.stats().timers)
          }
          return timers
        })
      yield* flood(3)
      const before = heapBytes()
      const timers = yield* flood(37)
      assert.isAtMost(timers, 2 * 2_048)
      const { droppedAnnouncements } = engine.stats()
      assert.isAbove(droppedAnnouncements, 100_000)
      // The test keeps all that the peer was sent.
      assert.isBelow(heapBytes() - before - 100 * flooder.taken.length - 5_000 * flooder.unread(), 8_000_000)
    }),
  )
})

/** 32 bytes that no other call with another number returns. */
const idBytes = (number: number): Uint8Array => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

/** The live heap. */
const heapBytes = (): number => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  collect()
  return process.memoryUsage().heapUsed
}

describe("payloads of a neighbour", () => {
  it.effect("cost it nothing: 31,000 of 100 bytes a second are read at once", () =>
    Effect.gen(function* () {
      const { connect, engine, received } = yield* setUp()
      const author = connect()
      yield* join(author)
      const count = 31_000
      for (let i = 0; i < count; i += 310) {
        author.send(...Array.from({ length: 310 }, () => payloadOf(freshContent(100))))
        yield* TestClock.adjust(10)
      }
      yield* passMs(20)
      assert.strictEqual(received().length, count)
      assert.strictEqual(engine.stats().throttled, 0)
    }),
  )

  it.effect("do not delay those of another: the peers take turns", () =>
    Effect.gen(function* () {
      const { connect, received } = yield* setUp()
      const [flooder, honest] = [connect(), connect()]
      for (const peer of [flooder, honest]) yield* join(peer)
      for (let i = 0; i < 10; i++) {
        flooder.send(...Array.from({ length: 400 }, () => payloadOf(freshContent(100))))
      }
      const payload = payloadOf(freshContent(100))
      honest.send(payload)
      yield* passMs(100, 1)
      assert.strictEqual(received().length, 4_001)
      assert.isBelow(received().indexOf(numberOf(payload.content)), 500)
    }),
  )
})

describe("a peer whose streams are malformed", () => {
  it.effect("is disconnected after the fourth, and refused for a while", () =>
    Effect.gen(function* () {
      const { connect, engine } = yield* setUp()
      const peer = connect()
      yield* join(peer)
      const malformed = () => framesOf(freshTopic(), joinMessage).fill(255, 40)
      for (let i = 0; i < 3; i++) peer.openStream()(malformed())
      yield* passMs(10)
      assert.deepStrictEqual([engine.stats().malformedStreams, peer.stopped(), peer.isClosed()], [3, 3, false])
      peer.openStream()(Uint8Array.of(0, 0, 16, 1))
      yield* passMs(10)
      assert.isTrue(peer.isClosed())
      assert.strictEqual(engine.stats().expelled, 1)
      assert.isTrue(connect({ id: peer.id }).isClosed())
    }),
  )
})
