import { assert, describe, it } from "@effect/vitest"
import { Crypto, type CryptoService, EndpointId, type SigningKey } from "@topic-tracker/crypto"
import { type ChannelMode, Envelope, Plaintext } from "@topic-tracker/crypto/members"
import { type Admission, MembersState, NeighborScore, type RepairMessage } from "@topic-tracker/gossip/members"
import { Effect } from "effect"
import { filled, type Member, MINUTE, memberOf, signingKeyOf, text } from "./support.ts"

const SIGNED: ChannelMode = { group: false, neighborsOnly: false }
const GROUP: ChannelMode = { group: true, neighborsOnly: false }
const { Flag } = Envelope

/** Seals one author's envelopes. */
class Author {
  readonly key: SigningKey
  readonly id: string
  readonly #crypto: CryptoService
  readonly #member: Member
  readonly #mode: ChannelMode
  seq = 0

  constructor(crypto: CryptoService, member: Member, fill: number, mode = SIGNED) {
    this.#crypto = crypto
    this.#member = member
    this.#mode = mode
    this.key = signingKeyOf(crypto, fill)
    this.id = EndpointId.fromBytes(this.key.publicKey)
  }

  seal(input: Partial<Envelope.EnvelopeInput> = {}): Uint8Array {
    const mode = input.mode ?? this.#mode
    return Envelope.seal(this.#crypto, {
      mode,
      keys: this.#member.window.keys(this.#member.window.own)!,
      gossipTopic: this.#member.gossipTopic,
      author: this.key,
      session: filled(8, 9),
      channel: this.#member.keys.channelTag("chat", mode),
      seq: 1,
      plaintext: text("x"),
      ...input,
    })
  }

  next(input: Partial<Envelope.EnvelopeInput> = {}): Uint8Array {
    this.seq++
    return this.seal({ seq: this.seq, plaintext: text(`${this.seq}`), ...input })
  }
}

const setUp = Effect.gen(function* () {
  const crypto = yield* Crypto
  const member = yield* memberOf(crypto)
  const stateOf = (options: Partial<ConstructorParameters<typeof MembersState>[0]> = {}) =>
    new MembersState({
      crypto,
      window: member.window,
      gossipTopic: member.gossipTopic,
      self: "ff".repeat(32),
      now: 0,
      ...options,
    })
  return {
    crypto,
    member,
    stateOf,
    author: (fill: number, mode?: ChannelMode) => new Author(crypto, member, fill, mode),
  }
})

/** What was delivered and missed, as short texts. */
const taken = (state: MembersState): ReadonlyArray<string> =>
  state.takeEvents().flatMap((each) => {
    if (each._tag !== "Order") return []
    const { event } = each
    if (event._tag === "Deliver") return [new TextDecoder().decode(event.message)]
    return event._tag === "Missed" ? [`missed ${event.from}-${event.to}`] : ["ended"]
  })

const PEER = "aa".repeat(32)

describe("MembersState judges", () => {
  it.effect("an envelope once: accept, then ignore, and counts a second content in the same place", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const state = stateOf()
      const alice = author(1)
      const first = alice.next()
      assert.deepStrictEqual(state.receive(PEER, first, "swarm", 0), { verdict: "accept", step: undefined })
      assert.deepStrictEqual(state.receive(PEER, first, "swarm", 0), { verdict: "ignore", step: "repeat" })
      const other = alice.seal({ seq: 1, plaintext: text("y") })
      assert.deepStrictEqual(state.receive(PEER, other, "swarm", 0), { verdict: "ignore", step: "repeat" })
      assert.deepStrictEqual(taken(state), ["1"])
      assert.include(state.stats, { accepted: 1, ignored: 2, equivocations: 1 })
      // The same text again is another message.
      assert.strictEqual(state.receive(PEER, alice.next({ plaintext: text("1") }), "swarm", 0).verdict, "accept")
      assert.deepStrictEqual(taken(state), ["1"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("each other envelope by the step that decides, and makes no state for it", () =>
    Effect.gen(function* () {
      const { crypto, author, member, stateOf } = yield* setUp
      const alice = author(1)
      const admissions = new Map<string, Admission>([[author(3).id, "refuse"]])
      const state = stateOf({
        admission: (id) => (admissions.has(id) ? admissions.get(id) : id === author(4).id ? undefined : "admit"),
      })
      const outsider = new Author(crypto, yield* memberOf(crypto, { secret: "other" }), 1)
      const flipped = (at: number) => {
        const bytes = alice.seal()
        bytes[at < 0 ? bytes.length + at : at]! ^= 1
        return bytes
      }
      const old = (yield* memberOf(crypto, { minute: MINUTE - 4 })).window.keys(MINUTE - 4)!
      const judge = (bytes: Uint8Array, scope: "swarm" | "neighbors" = "swarm") => {
        const { step, verdict } = state.receive(PEER, bytes, scope, 0)
        return `${verdict} ${step}`
      }
      assert.strictEqual(judge(new Uint8Array(0)), "reject form")
      assert.strictEqual(judge(alice.seal(), "neighbors"), "reject form")
      assert.strictEqual(judge(Uint8Array.of(9, 9)), "ignore form")
      assert.strictEqual(judge(alice.seal({ keys: old })), "ignore epoch")
      assert.strictEqual(judge(author(3).seal()), "ignore author")
      assert.strictEqual(judge(author(4).seal()), "later author")
      assert.strictEqual(judge(outsider.seal({ keys: member.window.keys(MINUTE)! })), "reject signature")
      assert.strictEqual(judge(outsider.seal()), "reject seal")
      assert.strictEqual(judge(flipped(70)), "reject seal")
      assert.strictEqual(judge(flipped(-1)), "reject signature")
      assert.strictEqual(judge(alice.seal({ flags: Flag.last })), "reject contents")
      assert.deepStrictEqual(taken(state), [])
      assert.strictEqual(judge(alice.seal()), "accept undefined")
      admissions.set(author(4).id, "mute")
      assert.strictEqual(judge(author(4).seal()), "accept undefined")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("new authors of a neighbour at one a second after 64, and no more than its rate of rejects", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const state = stateOf()
      state.neighborUp(PEER, { answersRepairs: false }, 0)
      const verdicts = Array.from({ length: 70 }, (_, i) => state.receive(PEER, author(i, GROUP).seal(), "swarm", 0))
      assert.strictEqual(verdicts.filter(({ verdict }) => verdict === "accept").length, 64)
      assert.deepStrictEqual(verdicts.at(-1), { verdict: "ignore", step: "bounds" })
      assert.strictEqual(state.receive(PEER, author(69, GROUP).seal(), "swarm", 1_000).verdict, "accept")
      const bad = author(1).seal()
      bad[70]! ^= 1
      const rejects = Array.from({ length: 300 }, () => state.receive(PEER, bad, "swarm", 1_000))
      assert.strictEqual(rejects.filter(({ verdict }) => verdict === "reject").length, 200)
      assert.strictEqual(state.receive("another", bad, "swarm", 1_000).verdict, "reject")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("sessions: four of an author, and a new one in the place of one that is silent for a minute", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const state = stateOf()
      const alice = author(1, GROUP)
      const judge = (session: number, seq: number, now: number) =>
        state.receive(PEER, alice.seal({ session: filled(8, session), seq }), "swarm", now).verdict
      for (let session = 1; session <= 4; session++) assert.strictEqual(judge(session, 1, session), "accept")
      assert.strictEqual(judge(5, 1, 1_000), "ignore")
      assert.strictEqual(judge(2, 2, 50_000), "accept")
      assert.strictEqual(judge(5, 1, 60_001), "accept")
      // The session that gave way does not come back: its envelopes would be delivered twice.
      assert.strictEqual(judge(1, 1, 200_000), "ignore")
      assert.strictEqual(judge(1, 2, 200_000), "ignore")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("one's own envelopes that come back: ignore", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1)
      const state = stateOf({ self: alice.id })
      const first = alice.next()
      state.published(first, 0)
      assert.deepStrictEqual(state.receive(PEER, first, "swarm", 0), { verdict: "ignore", step: "repeat" })
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("messages for neighbours only are delivered as they come, without repair", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const state = stateOf()
      state.neighborUp(PEER, { answersRepairs: true }, 0)
      const alice = author(1, { group: false, neighborsOnly: true })
      const envelopes = [alice.next(), alice.next(), alice.next()]
      for (const i of [0, 2, 1]) state.receive(PEER, envelopes[i]!, "neighbors", 0)
      assert.deepStrictEqual(taken(state), ["1", "missed 2-2", "3"])
      state.tick(1_000)
      assert.deepStrictEqual(state.takeEvents(), [])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})

/** Nodes whose envelopes get lost, and whose repair messages arrive after 10 ms. */
class Network {
  readonly states: ReadonlyArray<MembersState>
  readonly texts: Array<Array<string>>
  now = 0
  #queue: Array<{ readonly at: number; readonly run: () => void }> = []
  readonly #random: () => number
  readonly #ids: ReadonlyArray<string>

  constructor(states: ReadonlyArray<MembersState>, seed: number) {
    this.states = states
    this.texts = states.map(() => [])
    this.#ids = states.map((_, i) => i.toString(16).padStart(2, "0").repeat(32))
    let state = seed
    this.#random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state / 2 ** 32
    }
  }

  connect(i: number, j: number): void {
    this.states[i]!.neighborUp(this.#ids[j]!, { answersRepairs: true }, this.now)
    this.states[j]!.neighborUp(this.#ids[i]!, { answersRepairs: true }, this.now)
    this.#collect()
  }

  /** Gives the envelope to each node with this loss, after up to 50 ms, now and then twice. */
  spread(envelope: Uint8Array, by: number, loss: number, to = this.states.map((_, i) => i)): void {
    for (const i of to) {
      if (i === by) continue
      for (const copies of [1, this.#random() < 0.1 ? 1 : 0]) {
        if (copies === 0 || this.#random() < loss) continue
        this.#later(this.#random() * 50, () => this.states[i]!.receive(this.#ids[by]!, envelope, "swarm", this.now))
      }
    }
    this.#collect()
  }

  run(forMs: number): void {
    const end = this.now + forMs
    while (this.now < end) {
      this.now += 5
      const due = this.#queue.filter(({ at }) => at <= this.now)
      this.#queue = this.#queue.filter(({ at }) => at > this.now)
      for (const { run } of due) run()
      for (const state of this.states) if (this.now >= state.deadline) state.tick(this.now)
      this.#collect()
    }
  }

  #later(delay: number, run: () => void): void {
    this.#queue.push({ at: this.now + delay, run })
  }

  #collect(): void {
    this.states.forEach((state, i) => {
      for (const each of state.takeEvents()) {
        if (each._tag === "Send") {
          const to = this.#ids.indexOf(each.to)
          const peer = this.states[to]!
          this.#later(10, () => assert.isTrue(peer.receiveRepair(this.#ids[i]!, each.message, this.now)))
        } else if (each.event._tag === "Deliver") this.texts[i]!.push(new TextDecoder().decode(each.event.message))
        else if (each.event._tag === "Missed") this.texts[i]!.push(`missed ${each.event.from}-${each.event.to}`)
      }
    })
  }
}

describe("MembersState repairs", () => {
  it.effect("what 40 % loss takes: six nodes get all messages of two authors in order within 5 s", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const authors = [author(1, GROUP), author(2, GROUP)]
      const network = new Network(
        Array.from({ length: 6 }, (_, i) => stateOf({ self: authors[i]?.id ?? `${i}` })),
        7,
      )
      for (let i = 0; i < 6; i++) network.connect(i, (i + 1) % 6)
      network.connect(0, 3)
      for (let n = 0; n < 100; n++) {
        for (const [i, each] of authors.entries()) {
          const envelope =
            n % 10 === 0
              ? each.next({
                  flags: Flag.batch,
                  count: 2,
                  plaintext: Plaintext.batchPlaintext([text(`${i}b`), text(`${i}c`)]),
                })
              : each.next({ plaintext: text(`${i}-${n}`) })
          if (n % 10 === 0) each.seq++
          network.states[i]!.published(envelope, network.now)
          network.spread(envelope, i, 0.4)
        }
        network.run(10)
      }
      network.run(5_000)
      const expected = (i: number) =>
        Array.from({ length: 100 }, (_, n) => (n % 10 === 0 ? [`${i}b`, `${i}c`] : [`${i}-${n}`])).flat()
      network.texts.forEach((texts, node) => {
        for (const i of [0, 1]) {
          if (node === i) continue
          assert.deepStrictEqual(
            texts.filter((each) => each.startsWith(`${i}`)),
            expected(i),
            `node ${node}`,
          )
        }
        assert.isUndefined(texts.find((each) => each.startsWith("missed")))
      })
      assert.isAbove(network.states[4]!.stats.repaired, 20)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("the last message, which no later one shows, through heads", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const network = new Network([stateOf({ self: alice.id }), stateOf(), stateOf()], 1)
      network.connect(0, 1)
      network.connect(1, 2)
      network.run(100)
      const envelope = alice.next()
      network.states[0]!.published(envelope, network.now)
      network.spread(envelope, 0, 1)
      network.run(1_500)
      assert.deepStrictEqual(network.texts, [[], ["1"], ["1"]])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("a large message of which parts were lost", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const network = new Network([stateOf({ self: alice.id }), stateOf(), stateOf()], 5)
      network.connect(0, 1)
      network.connect(1, 2)
      network.connect(0, 2)
      network.run(50)
      const content = "0123456789".repeat(30_000)
      const parts = Plaintext.splitParts(text(content), 3_973)
      parts.forEach((plaintext, index) => {
        const envelope = alice.seal({ seq: 1, flags: Flag.part, index, count: parts.length, plaintext })
        network.states[0]!.published(envelope, network.now)
        network.spread(envelope, 0, 0.5)
      })
      network.run(4_000)
      assert.isTrue(network.texts[1]![0] === content && network.texts[2]![0] === content)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("reports as missed what nobody has, and goes on", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const network = new Network([stateOf(), stateOf()], 3)
      network.connect(0, 1)
      const envelopes = Array.from({ length: 8 }, () => alice.next())
      for (const i of [0, 3, 4, 6, 7]) network.spread(envelopes[i]!, 0, 0, [1])
      network.run(1_000)
      assert.deepStrictEqual(network.texts[1], ["1"])
      network.run(6_000)
      assert.deepStrictEqual(network.texts[1], ["1", "missed 2-3", "4", "5", "missed 6-6", "7", "8"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("a newcomer begins after the head that it was told, and gets what was lost on the way since", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const network = new Network([stateOf({ self: alice.id }), stateOf(), stateOf()], 3)
      network.connect(0, 1)
      const say = (to: ReadonlyArray<number>) => {
        const envelope = alice.next()
        network.states[0]!.published(envelope, network.now)
        network.spread(envelope, 0, 0, [...to])
      }
      for (let i = 0; i < 5; i++) say([1])
      network.run(100)
      network.connect(1, 2)
      network.run(30)
      say([1])
      say([1])
      say([1, 2])
      network.run(1_000)
      assert.deepStrictEqual(network.texts[2], ["6", "7", "8"])
      // Without any head it asks for up to 32 before the first that comes.
      const late = stateOf()
      late.neighborUp(PEER, { answersRepairs: true }, 0)
      late.receive(PEER, alice.seal({ seq: 50 }), "swarm", 0)
      late.tick(0)
      const want = late.takeEvents().find((each) => each._tag === "Send" && each.message._tag === "Want")
      assert.deepInclude(want, { to: PEER })
      assert(want?._tag === "Send" && want.message._tag === "Want")
      assert.deepStrictEqual(want.message.ranges, [{ from: 18, to: 49 }])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("takes from a Have only what it asked for, and does not forward it before gossip brings it", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1)
      const state = stateOf()
      state.neighborUp(PEER, { answersRepairs: true }, 0)
      const envelopes = Array.from({ length: 5 }, () => alice.next())
      state.receive(PEER, envelopes[0]!, "swarm", 0)
      assert.isTrue(state.receiveRepair(PEER, { _tag: "Have", envelopes: [envelopes[1]!] }, 0))
      assert.deepStrictEqual(taken(state), ["1"])
      state.receive(PEER, envelopes[2]!, "swarm", 0)
      state.tick(100)
      state.takeEvents()
      const altered = envelopes[1]!.slice()
      altered[70]! ^= 1
      assert.isFalse(state.receiveRepair(PEER, { _tag: "Have", envelopes: [altered] }, 110))
      state.receiveRepair(PEER, { _tag: "Have", envelopes: [envelopes[1]!, envelopes[4]!] }, 110)
      assert.deepStrictEqual(taken(state), ["2", "3"])
      assert.deepStrictEqual(state.receive(PEER, envelopes[1]!, "swarm", 120), { verdict: "accept", step: undefined })
      assert.deepStrictEqual(state.receive(PEER, envelopes[1]!, "swarm", 120), { verdict: "ignore", step: "repeat" })
      assert.deepStrictEqual(taken(state), [])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("false heads, high or low, silence nobody and are believed 8 times in a minute", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const state = stateOf()
      const stream = Envelope.stream(alice.seal()).slice()
      state.neighborUp(PEER, { answersRepairs: true }, 0)
      state.receiveRepair(PEER, { _tag: "Heads", heads: [{ stream, seq: 2 ** 40 }] }, 0)
      state.receive(PEER, alice.next(), "swarm", 10)
      assert.deepStrictEqual(taken(state), ["1"])
      let now = 100
      let wants = 0
      for (let i = 0; i < 12; i++) {
        state.receiveRepair(PEER, { _tag: "Heads", heads: [{ stream, seq: 1_000 + i }] }, now)
        for (let step = 0; step < 40; step++) {
          now += 100
          state.tick(now)
          wants += state.takeEvents().filter((each) => each._tag === "Send" && each.message._tag === "Want").length
        }
      }
      assert.isBelow(now, 60_000)
      assert.strictEqual(state.stats.falseHeads, 8)
      assert.strictEqual(wants, 24)
      state.receive(PEER, alice.next(), "swarm", now)
      assert.deepStrictEqual(taken(state), ["2"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("what was sent before the node came by which two parts of a swarm merge reaches the other part", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      // 0, the author, and 1 were alone; 2 joins 1, 3 joins 2 and meets 4, which has been there with 5 for long.
      const states = [stateOf({ self: alice.id }), ...Array.from({ length: 5 }, () => stateOf())]
      const network = new Network(states, 3)
      network.connect(0, 1)
      network.connect(4, 5)
      network.run(50)
      const first = alice.next()
      states[0]!.published(first, network.now)
      network.spread(first, 0, 0, [1])
      network.run(100)
      network.connect(1, 2)
      network.run(100)
      network.connect(2, 3)
      network.run(5_000)
      network.connect(3, 4)
      network.run(2_000)
      assert.deepStrictEqual(network.texts, [[], ["1"], [], [], ["1"], ["1"]])
      // Those on the way keep it, and answer the next one themselves.
      const want = {
        _tag: "Want",
        stream: Envelope.stream(first),
        ranges: [{ from: 1, to: 1 }],
        parts: undefined,
      } as const
      for (const state of [states[2]!, states[3]!]) {
        state.neighborUp(PEER, { answersRepairs: true }, network.now)
        state.takeEvents()
        state.receiveRepair(PEER, want, network.now)
        assert.deepStrictEqual(state.takeEvents(), [
          { _tag: "Send", to: PEER, message: { _tag: "Have", envelopes: [first] } },
        ])
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("of a range that neighbours on the way have in part, each other part is asked for further on", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      // 1 joins the author, who was alone, between its second and third message; 2 joins 1 and then meets 3, which has been there with 4 for long.
      const states = [stateOf({ self: alice.id }), ...Array.from({ length: 4 }, () => stateOf())]
      const network = new Network(states, 3)
      network.connect(3, 4)
      network.run(50)
      const say = (to: ReadonlyArray<number>) => {
        const envelope = alice.next()
        states[0]!.published(envelope, network.now)
        network.spread(envelope, 0, 0, [...to])
      }
      say([])
      say([])
      network.connect(0, 1)
      network.run(100)
      say([1])
      network.run(100)
      network.connect(1, 2)
      network.run(1_000)
      network.connect(2, 3)
      network.run(2_000)
      assert.deepStrictEqual(network.texts, [[], ["3"], [], ["1", "2", "3"], ["1", "2", "3"]])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect(
    "a Want goes on to the author first, and to neighbours that told of so many messages and are still there",
    () =>
      Effect.gen(function* () {
        const { author, stateOf } = yield* setUp
        const alice = author(1, GROUP)
        const stream = Envelope.stream(alice.seal()).slice()
        const ids = Array.from({ length: 20 }, (_, i) => (16 + i).toString(16).repeat(32))
        const between = (withAuthor: boolean) => {
          const state = stateOf()
          const arrive = (peer: string, seq: number) => {
            state.neighborUp(peer, { answersRepairs: true }, 0)
            state.receiveRepair(peer, { _tag: "Heads", heads: [{ stream, seq }] }, 0)
          }
          arrive(ids[0]!, 3)
          if (withAuthor) arrive(alice.id, 3)
          for (const id of ids.slice(1, 15)) {
            arrive(id, 3)
            state.neighborDown(id, 0)
          }
          arrive(ids[15]!, 2)
          state.neighborUp(PEER, { answersRepairs: true }, 10)
          state.takeEvents()
          state.receiveRepair(PEER, { _tag: "Want", stream, ranges: [{ from: 3, to: 3 }], parts: undefined }, 20)
          return state
            .takeEvents()
            .flatMap((each) => (each._tag === "Send" && each.message._tag === "Want" ? [each.to] : []))
        }
        assert.deepStrictEqual(between(true), [alice.id])
        assert.deepStrictEqual(between(false), [ids[0]])
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("what a node may have missed while it was there is waited for until a neighbour has come that has it", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const stream = Envelope.stream(alice.seal()).slice()
      const [a, b] = ["aa".repeat(32), "bb".repeat(32)]
      const envelopes = [alice.next(), alice.next(), alice.next()]
      /** A reader that heard of the stream after its start, or at it, and of the third message first. */
      const readerOf = (wasHere: boolean) => {
        const reader = stateOf()
        reader.neighborUp(a, { answersRepairs: true }, 0)
        if (wasHere) reader.receiveRepair(a, { _tag: "Heads", heads: [] }, 0)
        reader.receive(a, envelopes[2]!, "swarm", 10)
        reader.tick(10)
        reader.receiveRepair(a, { _tag: "None", stream, from: 1, to: 2 }, 20)
        return reader
      }
      const late = readerOf(false)
      assert.deepStrictEqual(taken(late), ["3"])
      const reader = readerOf(true)
      assert.deepStrictEqual(taken(reader), [])
      reader.neighborUp(b, { answersRepairs: true }, 500)
      reader.receiveRepair(b, { _tag: "Heads", heads: [{ stream, seq: 3 }] }, 500)
      reader.tick(500)
      const asked = reader
        .takeEvents()
        .flatMap((each) => (each._tag === "Send" && each.message._tag === "Want" ? [each] : []))
      assert.deepStrictEqual(
        asked.map(({ to }) => to),
        [b],
      )
      reader.receiveRepair(b, { _tag: "Have", envelopes: envelopes.slice(0, 2) }, 510)
      assert.deepStrictEqual(taken(reader), ["1", "2", "3"])
      // Where nobody comes, a second round ends it.
      const alone = readerOf(true)
      alone.tick(1_009)
      assert.deepStrictEqual(taken(alone), [])
      alone.tick(1_010)
      alone.receiveRepair(a, { _tag: "None", stream, from: 1, to: 2 }, 1_020)
      assert.deepStrictEqual(taken(alone), ["3"])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect(
    "a newcomer's message is asked for, however many earlier streams it passes on, and those are not asked for twice",
    () =>
      Effect.gen(function* () {
        const { author, crypto, member, stateOf } = yield* setUp
        const alice = author(1)
        const newcomer = stateOf({ self: alice.id })
        const reader = stateOf()
        const earlier = Array.from({ length: 300 }, (_, i) => {
          const stream = Envelope.stream(new Author(crypto, member, 2).seal()).slice()
          stream.set([i >> 8, i & 255])
          return { stream, seq: 3 }
        })
        const headsTo = (state: MembersState, peer: string) => {
          state.takeEvents()
          state.neighborUp(peer, { answersRepairs: true }, 10)
          const sent = state
            .takeEvents()
            .flatMap((each) => (each._tag === "Send" && each.to === peer ? [each.message] : []))
          return sent.find((message) => message._tag === "Heads")!
        }
        // Both got the streams from other neighbours at their start; the reader knows 200 of the 300.
        for (const [state, known] of [
          [newcomer, 300],
          [reader, 200],
        ] as const) {
          state.neighborUp(PEER, { answersRepairs: true }, 0)
          state.receiveRepair(PEER, { _tag: "Heads", heads: earlier.slice(0, known) }, 0)
          state.neighborDown(PEER, 5)
        }
        newcomer.published(alice.next(), 5)
        const heads = headsTo(newcomer, "bb".repeat(32))
        reader.neighborUp(alice.id, { answersRepairs: true }, 10)
        reader.receiveRepair(alice.id, heads, 10)
        reader.takeEvents()
        reader.tick(200)
        const wanted = reader
          .takeEvents()
          .flatMap((each) => (each._tag === "Send" && each.message._tag === "Want" ? [each.message] : []))
        const own = Envelope.stream(alice.seal())
        assert.isTrue(wanted.some(({ stream }) => own.every((byte, i) => byte === stream[i])))
        for (const { stream } of earlier.slice(0, 200)) {
          assert.isFalse(wanted.some((want) => stream.every((byte, i) => byte === want.stream[i])))
        }
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("asks for what only some neighbours told of those first, and of them the author", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1)
      const stream = Envelope.stream(alice.seal()).slice()
      const [a, b, c] = ["aa", "bb", "cc"].map((each) => each.repeat(32)) as [string, string, string]
      const asked = (tellers: ReadonlyArray<string>, others: ReadonlyArray<string>) => {
        const reader = stateOf()
        reader.neighborUp(PEER, { answersRepairs: true }, 0)
        reader.receiveRepair(PEER, { _tag: "Heads", heads: [] }, 0)
        reader.neighborDown(PEER, 0)
        for (const peer of [...others, ...tellers]) reader.neighborUp(peer, { answersRepairs: true }, 0)
        for (const peer of others) reader.receiveRepair(peer, { _tag: "Heads", heads: [] }, 0)
        for (const peer of tellers) reader.receiveRepair(peer, { _tag: "Heads", heads: [{ stream, seq: 2 }] }, 0)
        const to: Array<string> = []
        for (let now = 100; now < 1_000; now += 100) {
          reader.tick(now)
          for (const each of reader.takeEvents()) {
            if (each._tag === "Send" && each.message._tag === "Want") to.push(each.to)
          }
        }
        return to
      }
      assert.deepStrictEqual(asked([b], [a, c]), [b, a, c])
      assert.deepStrictEqual(asked([alice.id, c], [a, b]), [alice.id, c, a])
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("asks a neighbour that comes later at once, and another one when the one that was asked goes", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const reader = stateOf()
      const stream = Envelope.stream(author(1).seal()).slice()
      const [a, b, c] = ["aa", "bb", "cc"].map((each) => each.repeat(32)) as [string, string, string]
      const heads: RepairMessage = { _tag: "Heads", heads: [{ stream, seq: 1 }] }
      const arrive = (peer: string, now: number) => {
        reader.neighborUp(peer, { answersRepairs: true }, now)
        reader.receiveRepair(peer, heads, now)
      }
      /** The neighbours that are asked up to this time. */
      const asked = (now: number) => {
        reader.tick(now)
        return reader
          .takeEvents()
          .flatMap((each) => (each._tag === "Send" && each.message._tag === "Want" ? [each.to] : []))
      }
      // The first neighbour has nothing, so what the second one tells is news.
      reader.neighborUp(PEER, { answersRepairs: true }, 0)
      reader.receiveRepair(PEER, { _tag: "Heads", heads: [] }, 0)
      reader.neighborDown(PEER, 0)
      arrive(a, 0)
      assert.deepStrictEqual(asked(99), [])
      assert.deepStrictEqual(asked(100), [a])
      reader.receiveRepair(a, { _tag: "None", stream, from: 1, to: 1 }, 150)
      assert.deepStrictEqual(asked(200), [])
      arrive(b, 300)
      assert.deepStrictEqual(asked(300), [b])
      // The round of both is over: the next one begins after a pause.
      arrive(c, 400)
      assert.deepStrictEqual(asked(400), [c])
      reader.receiveRepair(c, heads, 410)
      assert.deepStrictEqual(asked(410), [])
      const [next] = asked(1_500)
      assert.isDefined(next)
      reader.neighborDown(next!, 1_510)
      assert.strictEqual(asked(1_510).length, 1)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("answers 64 Wants and 512 KB a second of a neighbour, and None for what it does not have", () =>
    Effect.gen(function* () {
      const { author, stateOf } = yield* setUp
      const alice = author(1, GROUP)
      const state = stateOf({ self: alice.id })
      state.neighborUp(PEER, { answersRepairs: true }, 0)
      state.takeEvents()
      for (let i = 0; i < 200; i++) state.published(alice.next({ plaintext: filled(3_900, 1) }), 0)
      const stream = Envelope.stream(alice.seal()).slice()
      const want = (from: number, to: number, now: number) => {
        state.receiveRepair(PEER, { _tag: "Want", stream, ranges: [{ from, to }], parts: undefined }, now)
        return state.takeEvents().flatMap((each) => (each._tag === "Send" ? [each.message] : []))
      }
      assert.deepStrictEqual(want(201, 300, 0), [{ _tag: "None", stream, from: 201, to: 300 }])
      const [have, none] = want(200, 300, 0)
      assert.strictEqual(have?._tag, "Have")
      assert.deepStrictEqual(none, { _tag: "None", stream, from: 201, to: 300 })
      const haves = want(1, Number.MAX_SAFE_INTEGER, 0)
      const sent = haves.flatMap((message) => (message._tag === "Have" ? message.envelopes : []))
      assert.strictEqual(sent.length + 1, Math.floor((512 * 1024) / 3_982))
      assert.isAbove(haves.length, 7)
      assert.deepStrictEqual(want(1, 1, 0), [])
      assert.strictEqual(want(1, 1, 1_000).length, 1)
      for (let i = 0; i < 63; i++) want(300, 300, 2_000)
      assert.strictEqual(want(300, 300, 2_000).length, 1)
      assert.strictEqual(want(300, 300, 2_000).length, 0)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})

describe("NeighborScore", () => {
  it("lets a neighbour go that validates and sends five rejected envelopes at once, and forgives one in 10 s", () => {
    const score = new NeighborScore()
    const bans = (times: number, gap: number, validates: boolean) =>
      Array.from({ length: times }, (_, i) => score.noteReject(`${gap}${validates}`, validates, i * gap))
    assert.deepStrictEqual(bans(5, 0, true), [undefined, undefined, undefined, undefined, 600_000])
    assert.deepStrictEqual(bans(50, 10_000, true), new Array(50).fill(undefined))
    assert.deepStrictEqual(bans(65, 10, false).slice(63), [undefined, 60_000])
    assert.deepStrictEqual(bans(500, 200, false), new Array(500).fill(undefined))
  })
})
