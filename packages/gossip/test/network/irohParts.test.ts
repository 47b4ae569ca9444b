/** The parts of the transport over iroh that can be tested without an endpoint. */
import { assert, describe, it } from "@effect/vitest"
import type * as Iroh from "@number0/iroh"
import { SocketAddress, Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Fiber, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import type { AddressLookup, EndpointAddress } from "../../src/index.ts"
import { AddressPolicy } from "../../src/transport/address/AddressPolicy.ts"
import { codecOf } from "../../src/transport/iroh/bindingBytes.ts"
import { Dial } from "../../src/transport/iroh/Dial.ts"
import { Dialer } from "../../src/transport/iroh/Dialer.ts"
import { type Binding, BoundEndpoint, causeOf, isLoopbackAddress } from "../../src/transport/iroh/endpoint.ts"
import { publishedAddress } from "../../src/transport/iroh/ownAddress.ts"

const at = (...direct: ReadonlyArray<string>): EndpointAddress => ({ relayUrl: undefined, direct })

describe("addresses of the endpoint", () => {
  const special =
    "0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 169.254.1.1 172.16.0.1 172.31.255.255 192.168.1.1 192.0.2.1 " +
    "198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 255.255.255.255"
  const special6 =
    "[::] [::1] [fe80::1] [fe80::1%eth0] [fc00::1] [fd12::1] [ff02::1] [2001:db8::1] [::ffff:10.0.0.1] " +
    "[2001::1] [2001:1ff::1] [3fff::1] [3fff:fff::1] [2002:c0a8:101::1] [2002:7f00:1::1]"
  const open = "1.1.1.1 100.63.0.1 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.20.0.1 223.255.255.255"
  const open6 = "[2606:4700::1] [2001:4860:4860::8888] [::ffff:1.1.1.1] [2001:200::1] [3fff:1000::1] [2002:101:101::1]"
  const withPort = (...lists: ReadonlyArray<string>) => lists.flatMap((list) => list.split(" ").map((ip) => `${ip}:1`))
  const published = (text: string) => publishedAddress(at(text), false).direct.length === 1

  it("does not publish those of the special-purpose registries", () => {
    for (const text of withPort(special, special6)) assert.isFalse(published(text), text)
    for (const text of withPort(open, open6)) assert.isTrue(published(text), text)
  })

  it("does not publish a text that is not an address with a port", () => {
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
      assert.isFalse(published(text), text)
    }
  })

  it("publishes private ones on request, the relay always, and at most 16", () => {
    const many = withPort(special, open, open6)
    const relayUrl = "https://relay.example/"
    assert.deepStrictEqual(publishedAddress({ relayUrl, direct: many }, true), { relayUrl, direct: many.slice(0, 16) })
    assert.strictEqual(publishedAddress({ relayUrl, direct: many }, false).relayUrl, relayUrl)
  })

  it("are classified as the package common does, whichever way they come in", () => {
    for (const text of withPort(special, special6, open, open6)) {
      assert.strictEqual(published(text), SocketAddress.reachOfText(text) === "public", text)
      assert.strictEqual(isLoopbackAddress(text), SocketAddress.reachOfText(text) === "loopback", text)
    }
  })

  it("are loopback if only this machine reaches them, also with port 0", () => {
    for (const text of ["127.0.0.1:0", "127.255.0.1:5", "[::1]:0"]) assert.isTrue(isLoopbackAddress(text), text)
    for (const text of ["128.0.0.1:0", "[::2]:0", "[1::1]:0", "::1"]) assert.isFalse(isLoopbackAddress(text), text)
  })
})

describe("bytes for the binding", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 255)

  it("are arrays of numbers if the binding returns those", () => {
    const codec = codecOf([1, 2])
    assert.deepStrictEqual(codec.toBinding(bytes), [...bytes])
    assert.deepStrictEqual(codec.fromBinding([...bytes]), bytes)
  })

  it("take an array again that a write of the same length used, whatever was written between", () => {
    const codec = codecOf([1, 2])
    const content = (length: number, value: number) => new Uint8Array(length).fill(value)
    const first = codec.toBinding(content(4_101, 1))
    for (const [length, value] of [
      [2_000, 2],
      [4_101, 3],
      [1_024, 4],
      [65_792, 5],
      [65_793, 6],
      [3_000, 7],
      [2_000, 8],
      [4_101, 9],
      [900, 10],
    ] as const) {
      assert.deepStrictEqual(codec.toBinding(content(length, value)), [...content(length, value)])
    }
    assert.strictEqual(codec.toBinding(content(2_000, 2)), codec.toBinding(content(2_000, 3)))
    assert.notStrictEqual(codec.toBinding(content(4_101, 1)), first)
  })

  it("stay typed arrays if the binding returns those", () => {
    const codec = codecOf(new Uint8Array(2))
    const passed: unknown = codec.toBinding(bytes)
    assert.strictEqual(passed, bytes)
    assert.strictEqual(codec.fromBinding(bytes), bytes)
  })

  it("have a head before them, and are a copy then", () => {
    for (const sample of [[1, 2], new Uint8Array(2)]) {
      const passed: ArrayLike<number> = codecOf(sample).toBinding(bytes.subarray(100), Uint8Array.of(7, 8))
      assert.deepStrictEqual(Array.from(passed), [7, 8, ...bytes.subarray(100)])
      assert.notStrictEqual(passed, bytes)
    }
  })
})

describe("an error of the binding", () => {
  it("is cut down to its cause", () => {
    const raw =
      "Failed to bind sockets (/src/socket.rs:946:24)\nCaused by:\n    Address already in use (os error 98)\n\nStack backtrace:\n   0: x"
    assert.strictEqual(causeOf(new Error(raw)), "Address already in use (os error 98)")
    assert.strictEqual(
      causeOf(new Error("invalid socket address syntax\n\nStack backtrace:")),
      "invalid socket address syntax",
    )
    assert.strictEqual(causeOf("odd"), "odd")
  })
})

describe("Dial", () => {
  /** Attempts that fail when the test decides. */
  const makeDial = Effect.fnUntraced(function* (timeoutMs: number = 1_000) {
    const timers = yield* Timers.make
    const attempts: Array<{ readonly direct: ReadonlyArray<string>; readonly fail: (error: Error) => void }> = []
    const outcome: Array<string | undefined> = []
    const isBudgetSpent = { now: false }
    const dial = new Dial({
      timers,
      timeoutMs,
      admit: (addresses) => (isBudgetSpent.now ? [] : addresses),
      connect: ({ direct }) => new Promise<Iroh.Connection>((_, reject) => attempts.push({ direct, fail: reject })),
      connected: () => {},
      settled: (failure) => outcome.push(failure),
    })
    return { attempts, dial, isBudgetSpent, outcome, timers }
  })
  const promises = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

  it.effect("tries the first address at once, and later ones in parallel after a while", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial()
      dial.addAddress(at("1.1.1.1:1"), "own")
      dial.addAddress(at("1.1.1.1:1"), "own")
      dial.addAddress(at("2.2.2.2:2"), "own")
      dial.addAddress(at("3.3.3.3:3"), "own")
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

  it.effect("tries each new address while the dial lasts, later ones after longer and longer waits", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial(10_000)
      const tried: Array<number> = []
      for (let ms = 0; ms < 10_000; ms += 50) {
        dial.addAddress({ relayUrl: `https://relay.example/${ms}`, direct: [] }, "own")
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
      dial.searchBegan()
      dial.addAddress(at("1.1.1.1:1"), "own")
      attempts[0]!.fail(new Error("refused"))
      yield* promises
      assert.deepStrictEqual(outcome, [])
      dial.searchEnded()
      assert.deepStrictEqual(outcome, ["refused"])
      assert.strictEqual(timers.size, 0)
    }),
  )

  it.effect("tries addresses that came meanwhile as soon as an attempt fails", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial()
      dial.addAddress(at("1.1.1.1:1"), "own")
      dial.addAddress(at("2.2.2.2:2"), "own")
      attempts[0]!.fail(new Error("refused"))
      yield* promises
      assert.lengthOf(attempts, 2)
      dial.cancel()
    }),
  )

  it.effect("fails at once when no address is found", () =>
    Effect.gen(function* () {
      const { dial, outcome } = yield* makeDial()
      dial.searchBegan()
      dial.searchEnded()
      assert.deepStrictEqual(outcome, ["no address of it is known"])
    }),
  )

  it.effect("fails after its time limit", () =>
    Effect.gen(function* () {
      const { dial, outcome, timers } = yield* makeDial()
      dial.addAddress(at("1.1.1.1:1"), "own")
      const fiber = yield* Effect.forkChild(TestClock.adjust(1_000))
      yield* Fiber.join(fiber)
      assert.lengthOf(outcome, 1)
      assert.include(outcome[0], "1000 ms")
      assert.strictEqual(timers.size, 0)
    }),
  )

  it.effect("tries at most 32 addresses, at most 16 of them hearsay, the peer's own words first", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial(10_000)
      // 370 messages of another peer, each with 16 addresses that are news.
      for (let i = 0; i < 370; i++) {
        dial.addAddress(at(...Array.from({ length: 16 }, (_, j) => `9.9.${i % 256}.${j}:${1_000 + i}`)), "hearsay")
        if (i % 60 === 59) yield* TestClock.adjust(500)
      }
      const own = Array.from({ length: 40 }, (_, i) => `1.1.1.1:${i + 1}`)
      dial.addAddress(at(...own), "own")
      yield* TestClock.adjust(4_000)
      assert.isAtMost(new Set(attempts.flatMap(({ direct }) => direct)).size, 32)
      const last = attempts.at(-1)!.direct
      assert.deepStrictEqual(last.slice(0, 16), own.slice(0, 16))
      assert.isTrue(last.slice(16).every((each) => each.startsWith("9.9.0.")))
      dial.cancel()
    }),
  )

  it.effect("moves an address to the peer's own words when the peer gives it too", () =>
    Effect.gen(function* () {
      const { attempts, dial } = yield* makeDial()
      dial.addAddress(at("1.1.1.1:1", "2.2.2.2:2"), "hearsay")
      dial.addAddress(at("2.2.2.2:2", "3.3.3.3:3"), "own")
      dial.addAddress(at("3.3.3.3:3"), "hearsay")
      yield* TestClock.adjust(250)
      assert.deepStrictEqual(attempts.at(-1)!.direct, ["2.2.2.2:2", "3.3.3.3:3", "1.1.1.1:1"])
      dial.cancel()
    }),
  )

  it.effect("waits with addresses that may not be dialled yet, and does not fail meanwhile", () =>
    Effect.gen(function* () {
      const { attempts, dial, isBudgetSpent, outcome } = yield* makeDial()
      isBudgetSpent.now = true
      dial.searchBegan()
      dial.addAddress(at("1.1.1.1:1"), "own")
      dial.searchEnded()
      yield* TestClock.adjust(249)
      assert.lengthOf(attempts, 0)
      isBudgetSpent.now = false
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(
        attempts.map(({ direct }) => direct),
        [["1.1.1.1:1"]],
      )
      assert.deepStrictEqual(outcome, [])
      dial.cancel()
    }),
  )
})

describe("Dialer", () => {
  const never = () => new Promise<never>(() => {})

  /** A dialer whose endpoint connects as the test decides. */
  const makeDialer = Effect.fnUntraced(function* (
    connect: Iroh.Endpoint["connect"],
    resolve: AddressLookup["Service"]["resolve"] = () => Stream.empty,
    remoteAddr: () => Promise<unknown> = never,
  ) {
    const learned: Array<EndpointAddress> = []
    const timers = yield* Timers.make
    const context = yield* Effect.context()
    const [connected, failed]: [Array<Iroh.Connection>, Array<string>] = [[], []]
    class EndpointAddr {
      readonly direct: ReadonlyArray<string>
      constructor(_id: string, _relayUrl: string | null, direct: ReadonlyArray<string>) {
        this.direct = direct
      }
    }
    const dialer = new Dialer({
      binding: { EndpointId: { fromString: (id: string) => id }, EndpointAddr } as unknown as Binding,
      codec: codecOf([]),
      policy: new AddressPolicy({
        isLoopback: true,
        allowPrivate: true,
        relays: [],
        interfaces: () => ({}),
        now: () => timers.now(),
      }),
      endpoint: Promise.resolve(new BoundEndpoint({ connect, remoteAddr } as unknown as Iroh.Endpoint)),
      lookup: {
        resolve,
        publish: () => Effect.void,
        learnAddress: (_, address) => Effect.sync(() => void learned.push(address)),
      },
      timers,
      alpn: "test",
      timeoutMs: 10_000,
      canDiscover: false,
      fork: Effect.runForkWith(context),
      connected: (connection) => connected.push(connection),
      failed: (peer) => failed.push(peer),
    })
    return { connected, dialer, failed, learned }
  })
  const peer = "peer" as EndpointId.EndpointId
  const promises = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

  it.effect("fails dials beyond 1,024 at a time at once", () =>
    Effect.gen(function* () {
      const { dialer, failed } = yield* makeDialer(never)
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

  it.effect("gives the binding only texts that are addresses", () =>
    Effect.gen(function* () {
      const dialled: Array<unknown> = []
      const { dialer } = yield* makeDialer((address) => {
        dialled.push(address)
        return never()
      })
      dialer.learnAddress(peer, at("host:1", "1.2.3.4:99999", "1.1.1.1:1", "[::1]:2", ""), "own")
      dialer.dial(peer)
      yield* promises
      assert.deepInclude(dialled[0], { direct: ["1.1.1.1:1", "[::1]:2"] })
      dialer.cancelAll()
    }),
  )

  it.effect("has a span for each dial, which ends with its result, and stops the lookup then", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        },
      })
      let isLookupOver = false
      const lookup = Stream.never.pipe(
        Stream.ensuring(
          Effect.sync(() => {
            isLookupOver = true
          }),
        ),
      )
      const connection = {} as Iroh.Connection
      const { connected, dialer, failed } = yield* makeDialer(
        () => Promise.resolve(connection),
        () => lookup,
      ).pipe(Effect.provideService(Tracer.Tracer, tracer))
      dialer.learnAddress(peer, at("1.1.1.1:1"), "own")
      dialer.dial(peer)
      yield* promises
      assert.deepStrictEqual(connected, [connection])
      assert.isTrue(isLookupOver)
      dialer.dial("unknown" as EndpointId.EndpointId)
      yield* TestClock.adjust(10_000)
      assert.deepStrictEqual(failed, ["unknown"])
      assert.deepStrictEqual(
        spans.map(({ attributes, kind, name, status }) => [
          name,
          kind,
          attributes.get("gossip.peer.id"),
          status._tag === "Ended" ? status.exit._tag : status._tag,
        ]),
        [
          ["Gossip.dial", "client", "peer", "Success"],
          ["Gossip.dial", "client", "unknown", "Failure"],
        ],
      )
    }),
  )

  it.effect("dials an address only if the policy allows it, whichever way it came", () =>
    Effect.gen(function* () {
      const bad = ["224.0.0.251:5353", "255.255.255.255:9", "0.0.0.0:1", "1.1.1.1:0", "169.254.169.254:80"]
      const relayUrl = "http://169.254.169.254/latest/"
      const dialled: Array<{ readonly direct: ReadonlyArray<string> }> = []
      const remembered = { relayUrl: () => relayUrl, directAddresses: () => [...bad, "4.4.4.4:4"] }
      const { dialer, learned } = yield* makeDialer(
        (address) => {
          dialled.push(address as unknown as { readonly direct: ReadonlyArray<string> })
          return never()
        },
        () => Stream.succeed({ relayUrl, direct: [...bad, "3.3.3.3:3"] }),
        () => Promise.resolve(remembered),
      )
      dialer.learnAddress(peer, { relayUrl, direct: [...bad, "1.1.1.1:1"] }, "own")
      dialer.learnAddress(peer, { relayUrl, direct: [...bad, "2.2.2.2:2"] }, "hearsay")
      dialer.learnAddress(peer, { relayUrl, direct: bad }, "own")
      dialer.dial(peer)
      yield* promises
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(dialled.at(-1)!.direct, ["1.1.1.1:1", "3.3.3.3:3", "2.2.2.2:2", "4.4.4.4:4"])
      assert.deepStrictEqual(learned, [at("1.1.1.1:1")], "the address lookup gets the peer's own words only")
      assert.notInclude(JSON.stringify(dialled), "169.254")
      dialer.cancelAll()
    }),
  )

  it.effect("gives at most 128 of its dials to peers that only gossip has named", () =>
    Effect.gen(function* () {
      const origins: Array<string | undefined> = []
      const { dialer, failed } = yield* makeDialer(never, (_, options) => {
        origins.push(options?.origin)
        return Stream.never
      })
      for (let i = 0; i < 200; i++) dialer.dial(`${i}` as EndpointId.EndpointId, { origin: "gossip" })
      yield* TestClock.adjust(1)
      assert.lengthOf(failed, 72)
      assert.strictEqual(dialer.refused, 72)
      for (let i = 200; i < 1_096; i++) dialer.dial(`${i}` as EndpointId.EndpointId)
      yield* TestClock.adjust(1)
      assert.lengthOf(failed, 72, "dials that are wanted have the other 896")
      dialer.dial(peer)
      yield* TestClock.adjust(1)
      assert.lengthOf(failed, 73)
      dialer.cancelAll()
    }),
  )

  it.effect("makes a dial that gossip caused a wanted one when a record names the peer too", () =>
    Effect.gen(function* () {
      const origins: Array<string | undefined> = []
      const { dialer, failed } = yield* makeDialer(never, (_, options) => {
        origins.push(options?.origin)
        return Stream.never
      })
      for (let i = 0; i < 128; i++) dialer.dial(`${i}` as EndpointId.EndpointId, { origin: "gossip" })
      dialer.dial("0" as EndpointId.EndpointId)
      dialer.dial("0" as EndpointId.EndpointId)
      dialer.dial("0" as EndpointId.EndpointId, { origin: "gossip" })
      assert.deepStrictEqual(origins.slice(128), ["wanted"])
      dialer.dial(peer, { origin: "gossip" })
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(failed, [], "its place is free for another")
      yield* TestClock.adjust(10_000)
      assert.lengthOf(failed, 129)
      for (let i = 0; i < 128; i++) dialer.dial(`${i}` as EndpointId.EndpointId, { origin: "gossip" })
      yield* TestClock.adjust(1)
      assert.lengthOf(failed, 129, "all places are free again")
      dialer.cancelAll()
    }),
  )
})
