/** The parts of the transport over iroh that can be told apart from it. */
import { assert, describe, it } from "@effect/vitest"
import type * as Iroh from "@number0/iroh"
import { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { EndpointAddress } from "../../src/index.ts"
import * as Addresses from "../../src/transport/iroh/addresses.ts"
import { type Binding, describe as describeError } from "../../src/transport/iroh/binding.ts"
import { codecOf } from "../../src/transport/iroh/bytes.ts"
import { Dial } from "../../src/transport/iroh/Dial.ts"
import { Dialer } from "../../src/transport/iroh/Dialer.ts"
import { LearnedAddresses } from "../../src/transport/iroh/LearnedAddresses.ts"

const at = (...direct: ReadonlyArray<string>): EndpointAddress => ({ relayUrl: undefined, direct })

describe("addresses", () => {
  it("those of the special-purpose registries are not public", () => {
    const hidden =
      "0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 169.254.1.1 172.16.0.1 172.31.255.255 192.168.1.1 192.0.2.1 " +
      "198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 255.255.255.255"
    const hidden6 =
      "[::] [::1] [fe80::1] [fe80::1%eth0] [fc00::1] [fd12::1] [ff02::1] [2001:db8::1] [::ffff:10.0.0.1] " +
      "[2001::1] [2001:1ff::1] [3fff::1] [3fff:fff::1] [2002:c0a8:101::1] [2002:7f00:1::1]"
    for (const ip of [...hidden.split(" "), ...hidden6.split(" ")]) assert.isFalse(Addresses.isPublic(`${ip}:1`), ip)
    const open = "1.1.1.1 100.63.0.1 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.20.0.1 223.255.255.255"
    const open6 =
      "[2606:4700::1] [2001:4860:4860::8888] [::ffff:1.1.1.1] [2001:200::1] [3fff:1000::1] [2002:101:101::1]"
    for (const ip of [...open.split(" "), ...open6.split(" ")]) assert.isTrue(Addresses.isPublic(`${ip}:1`), ip)
  })

  it("what is no address and port is neither public nor an address", () => {
    for (const text of [
      "",
      "1.1.1.1",
      "1.1.1.1:0",
      "1.1.1.256:1",
      "1.1.1:1",
      "::1:1",
      "[::1]",
      "1.1.1.1:70000",
      "host:1",
    ]) {
      assert.isFalse(Addresses.isPublic(text), text)
    }
    assert.isFalse(Addresses.isAddress("host:1"))
    assert.isTrue(Addresses.isAddress("[::1]:5"))
  })

  it("those of this machine alone are told apart", () => {
    for (const text of ["127.0.0.1:0", "127.255.0.1:5", "[::1]:0"]) assert.isTrue(Addresses.isLoopback(text), text)
    for (const text of ["128.0.0.1:0", "[::2]:0", "[1::1]:0", "::1"]) assert.isFalse(Addresses.isLoopback(text), text)
  })
})

describe("bytes across the binding", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 255)

  it("are arrays of numbers for a binding that gives them", () => {
    const codec = codecOf([1, 2])
    assert.deepStrictEqual(codec.toBinding(bytes), [...bytes])
    assert.deepStrictEqual(codec.fromBinding([...bytes]), bytes)
  })

  it("are left as they are for a binding that gives typed arrays", () => {
    const codec = codecOf(new Uint8Array(2))
    const passed: unknown = codec.toBinding(bytes)
    assert.strictEqual(passed, bytes)
    assert.strictEqual(codec.fromBinding(bytes), bytes)
  })
})

describe("the binding's errors", () => {
  it("are cut down to the cause", () => {
    const raw =
      "Failed to bind sockets (/src/socket.rs:946:24)\nCaused by:\n    Address already in use (os error 98)\n\nStack backtrace:\n   0: x"
    assert.strictEqual(describeError(new Error(raw)), "Address already in use (os error 98)")
    assert.strictEqual(
      describeError(new Error("invalid socket address syntax\n\nStack backtrace:")),
      "invalid socket address syntax",
    )
    assert.strictEqual(describeError("odd"), "odd")
  })
})

describe("LearnedAddresses", () => {
  const peer = (n: number) => `${n}` as EndpointId.EndpointId

  it("says what is news", () => {
    const learned = new LearnedAddresses()
    assert.deepStrictEqual(learned.learn(peer(1), at("1.1.1.1:1"), 0), at("1.1.1.1:1"))
    assert.isUndefined(learned.learn(peer(1), at("1.1.1.1:1"), 59_999))
    assert.deepStrictEqual(learned.learn(peer(1), at("1.1.1.1:1"), 60_000), at("1.1.1.1:1"))
    assert.deepStrictEqual(learned.learn(peer(1), at("2.2.2.2:2"), 60_001), at("2.2.2.2:2"))
    assert.isUndefined(learned.learn(peer(1), at(), 60_002))
    assert.deepStrictEqual(learned.get(peer(1)), at("2.2.2.2:2"))
  })

  it("is bounded in peers and in addresses of each", () => {
    const learned = new LearnedAddresses()
    for (let i = 0; i < 2_000; i++) learned.learn(peer(i), at("1.1.1.1:1"), 0)
    assert.isUndefined(learned.get(peer(975)))
    assert.isDefined(learned.get(peer(976)))
    const many = Array.from({ length: 50 }, (_, i) => `1.1.1.1:${i + 1}`)
    learned.learn(peer(1), at(...many), 0)
    assert.lengthOf(learned.get(peer(1))!.direct, 16)
  })
})

describe("Dial", () => {
  /** Attempts that succeed or fail when the test says so. */
  const makeDial = Effect.fnUntraced(function* (timeoutMs: number = 1_000) {
    const timers = yield* Timers.make
    const attempts: Array<{ readonly direct: ReadonlyArray<string>; readonly fail: (error: Error) => void }> = []
    const outcome: Array<string | undefined> = []
    const dial = new Dial({
      timers,
      timeoutMs,
      connect: ({ direct }) => new Promise<Iroh.Connection>((_, reject) => attempts.push({ direct, fail: reject })),
      connected: () => {},
      settled: (failure) => outcome.push(failure),
    })
    return { attempts, dial, outcome, timers }
  })
  const promises = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

  it.effect("tries the first address at once, and later ones beside it after a while", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial()
      dial.add(at("1.1.1.1:1"))
      dial.add(at("1.1.1.1:1"))
      dial.add(at("2.2.2.2:2"))
      dial.add(at("3.3.3.3:3"))
      assert.lengthOf(attempts, 1)
      yield* TestClock.adjust(249)
      assert.lengthOf(attempts, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(
        attempts.map(({ direct }) => direct),
        [["1.1.1.1:1"], ["1.1.1.1:1", "2.2.2.2:2", "3.3.3.3:3"]],
      )
      dial.cancel()
    }),
  )

  it.effect("tries each new address while it lasts, the later ones after longer and longer", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial(10_000)
      const tried: Array<number> = []
      for (let ms = 0; ms < 10_000; ms += 50) {
        dial.add(at(`1.1.1.1:${ms + 1}`))
        if (attempts.length > tried.length) tried.push(ms)
        yield* TestClock.adjust(50)
      }
      // Each wait begins with the first address after an attempt.
      assert.deepStrictEqual(tried, [0, 300, 550, 1_050, 2_050, 4_050, 8_050])
      dial.cancel()
    }),
  )

  it.effect("fails when no attempt is left and no address will come", () =>
    Effect.gen(function* () {
      const { attempts, dial, outcome, timers } = yield* makeDial()
      dial.add(at("1.1.1.1:1"))
      attempts[0]!.fail(new Error("refused"))
      yield* promises
      assert.deepStrictEqual(outcome, [])
      dial.completed()
      assert.deepStrictEqual(outcome, ["refused"])
      assert.strictEqual(timers.size, 0)
    }),
  )

  it.effect("an attempt that fails is followed at once by what has come in meanwhile", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial()
      dial.add(at("1.1.1.1:1"))
      dial.add(at("2.2.2.2:2"))
      attempts[0]!.fail(new Error("refused"))
      yield* promises
      assert.lengthOf(attempts, 2)
      dial.cancel()
    }),
  )

  it.effect("without any address fails as soon as that is known", () =>
    Effect.gen(function* () {
      const { dial, outcome } = yield* makeDial()
      dial.completed()
      assert.deepStrictEqual(outcome, ["no address of it is known"])
    }),
  )

  it.effect("gives up after its time", () =>
    Effect.gen(function* () {
      const { dial, outcome, timers } = yield* makeDial()
      dial.add(at("1.1.1.1:1"))
      const fiber = yield* Effect.forkChild(TestClock.adjust(1_000))
      yield* Fiber.join(fiber)
      assert.lengthOf(outcome, 1)
      assert.include(outcome[0], "1000 ms")
      assert.strictEqual(timers.size, 0)
    }),
  )
})

describe("Dialer", () => {
  it.effect("fails at once what is dialled beyond a thousand peers at a time", () =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const context = yield* Effect.context()
      const failed: Array<string> = []
      const never = () => new Promise<never>(() => {})
      const dialer = new Dialer({
        binding: { EndpointId: { fromString: (id: string) => id } } as unknown as Binding,
        codec: codecOf([]),
        endpoint: Promise.resolve({ connect: never, remoteAddr: never } as unknown as Iroh.Endpoint),
        lookup: { resolve: () => Stream.empty, publish: () => Effect.void, learnAddress: () => Effect.void },
        timers,
        alpn: "test",
        timeoutMs: 10_000,
        canDiscover: false,
        fork: Effect.runForkWith(context),
        connected: () => {},
        failed: (peer) => failed.push(peer),
      })
      for (let i = 0; i < 1_030; i++) dialer.dial(`${i}` as EndpointId.EndpointId)
      assert.deepStrictEqual(failed, [], "not within the call")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(failed, ["1024", "1025", "1026", "1027", "1028", "1029"])
      yield* TestClock.adjust(10_000)
      assert.lengthOf(failed, 1_030)
      dialer.dial("again" as EndpointId.EndpointId)
      yield* TestClock.adjust(1)
      assert.lengthOf(failed, 1_030)
      dialer.cancelAll()
    }),
  )
})
