/** The state machine of presence: notes in any order, forged ones, accusations, rates, and the codec of whispers. No clock, no gossip. */
import { assert, describe, it } from "@effect/vitest"
import { fromHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import { Xoshiro128 } from "@topic-tracker/gossip/stateMachine"
import {
  PresenceLimits as Limits,
  NoteKind,
  type PresenceOutput,
  PresenceState,
} from "@topic-tracker/presence/stateMachine"
import { decodeHere, encodeHere, encodeSuspect } from "../src/state/notes.ts"
import { decodeWhisper, encodeWhisper, type Whisper } from "../src/state/whispers.ts"

const START = 1_800_000_000_000
const idOf = (n: number) => n.toString(16).padStart(4, "0").repeat(16)
let signatures = 1
/** Signatures of notes of any kind so far. */
const signed = (): number => signatures

/** A note with a signature that is different each time; one that begins with zeros is wrong. */
const sign =
  (id: string) =>
  (kind: number, stamp: number, body: Uint8Array): Uint8Array => {
    const note = Note.unsigned(kind, fromHex(id), stamp, body)
    let x = signatures++ * 2_654_435_761
    for (let i = note.length - 64; i < note.length; i++) {
      x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
      note[i] = 1 + ((x >>> 16) % 255)
    }
    return note
  }
const verify = (note: Uint8Array) => Note.signature(note)[0] !== 0

const here = (id: string, stamp: number, state = 7, ttlMinutes = 30) =>
  sign(id)(NoteKind.here, stamp, encodeHere({ since: START, ttlMinutes, state: Uint8Array.of(state) }))
const left = (id: string, stamp: number) => sign(id)(NoteKind.left, stamp, new Uint8Array(0))
const suspect = (by: string, ...accused: ReadonlyArray<readonly [string, number]>) =>
  sign(by)(NoteKind.suspect, START, encodeSuspect(accused.map(([member, stamp]) => ({ id: fromHex(member), stamp }))))

const me = idOf(1)
const make = (self = me, maxMembers = 100) => {
  let wall = START
  const state = new PresenceState(
    {
      self,
      random: () => 0.5,
      wall: () => wall,
      sign: sign(self),
      verify,
      admits: () => true,
      state: Uint8Array.of(1),
      maxMembers,
    },
    0,
  )
  return {
    state,
    view: () =>
      [...state.entries]
        .filter(({ status }) => status === "here")
        .map(({ here, member, stamp }) => `${member.slice(0, 4)} ${stamp} ${here.state}`)
        .sort(),
    /** Lets time pass in steps of its deadlines. */
    pass: (from: number, ms: number) => {
      const out: Array<PresenceOutput> = []
      for (let now = from; now <= from + ms; ) {
        wall = START + now
        out.push(...state.take())
        state.tick(now)
        now = Math.min(Math.max(state.deadline, now + 1), from + ms + (now < from + ms ? 0 : 1))
      }
      out.push(...state.take())
      return out
    },
    tags: () => state.take().map(({ _tag }) => _tag),
  }
}

describe("a newcomer", () => {
  const announcements = (outputs: ReadonlyArray<PresenceOutput>) =>
    outputs.flatMap((each) => (each._tag === "Broadcast" ? [decodeHere(Note.body(each.note))?.ttlMinutes] : []))
  const digest = (count: number) =>
    encodeWhisper({ _tag: "Digest", flags: 2, count, root: { high: 1, low: 1 } } satisfies Whisper)

  it("asks at once how many members there are, and signs its entry for a swarm of that size", () => {
    const { pass, state } = make()
    state.lineUp(idOf(2), 0)
    state.neighborUp(idOf(2), 0)
    const first = pass(0, 100)
    assert.deepStrictEqual(announcements(first), [])
    assert.isTrue(first.some((each) => each._tag === "Whisper" && decodeWhisper(each.bytes)?._tag === "Digest"))
    state.whisper(idOf(2), digest(1_000), 100)
    // 2.5 times the four hours after which each of 1,000 renews.
    assert.deepStrictEqual(announcements(state.take()), [600])
    state.whisper(idOf(2), digest(1_000), 200)
    assert.deepStrictEqual(announcements(pass(200, 1_000)), [])
  })

  it("does not wait for longer than a second, and believes no more members than there can be", () => {
    const { pass, state } = make()
    state.neighborUp(idOf(2), 0)
    assert.deepStrictEqual(announcements(pass(0, 900)), [])
    assert.deepStrictEqual(announcements(pass(900, 200)), [25])
    const other = make()
    other.state.lineUp(idOf(2), 0)
    other.state.neighborUp(idOf(2), 0)
    other.state.whisper(idOf(2), digest(2 ** 32 - 1), 50)
    assert.deepStrictEqual(announcements(other.state.take()), [Limits.MAX_TTL_MINUTES])
  })
})

describe("a node whose only neighbour goes before it has sent its entry", () => {
  it("signs it no more than once while it is alone, and sends it to the next neighbour", () => {
    const { pass, state } = make()
    state.neighborUp(idOf(2), 0)
    state.neighborDown(idOf(2), false, 100)
    const before = signed()
    // The entry of one member is renewed after ten minutes.
    const hidden = pass(100, 9 * 60_000)
    assert.isAtMost(signed() - before, 1)
    assert.isFalse(hidden.some(({ _tag }) => _tag === "Broadcast"))
    state.neighborUp(idOf(3), 600_000)
    const sent = pass(600_000, 2_000).flatMap((each) => (each._tag === "Broadcast" ? [Note.kind(each.note)] : []))
    assert.deepStrictEqual(sent, [NoteKind.here])
  })
})

describe("PresenceState", () => {
  it("two nodes that got the same notes show the same, in any order and however often", () => {
    const notes = [2, 3, 4].flatMap((n) => [
      here(idOf(n), START + 1, 1),
      here(idOf(n), START + 2, 2),
      here(idOf(n), START + 2, 3),
      left(idOf(n), START + 3),
      here(idOf(n), START + 4, 4),
    ])
    const rng = new Xoshiro128(1n)
    for (let run = 0; run < 300; run++) {
      const some = notes.filter(() => rng.nextInt(3) > 0)
      const views = [make(), make()].map((node) => {
        const order = some.map((note) => [rng.nextInt(1_000), note] as const).sort(([x], [y]) => x - y)
        for (const [, note] of [...order, ...order.slice(0, 3)]) node.state.receive(idOf(2), note, 0)
        return node.view().filter((each) => !each.startsWith("0001"))
      })
      assert.deepStrictEqual(views[0], views[1])
    }
  })

  it("compares at once with a neighbour that has more members, whichever id is the greater, and gives one with fewer a second", () => {
    const compared = (self: string, count: number, forMs: number) => {
      const { pass, state } = make(self)
      state.lineUp(idOf(5), 0)
      state.neighborUp(idOf(5), 0)
      for (const n of [2, 3, 4]) state.receive(idOf(5), here(idOf(n), START + 1), 0)
      pass(0, 2_000)
      const digest: Whisper = { _tag: "Digest", flags: 2, count, root: { high: 1, low: 1 } }
      state.whisper(idOf(5), encodeWhisper(digest), 2_000)
      const sent = pass(2_000, forMs)
      return sent.some((each) => each._tag === "Whisper" && decodeWhisper(each.bytes)?._tag === "Buckets")
    }
    for (const self of [idOf(1), idOf(9)]) {
      assert.isTrue(compared(self, 6, 10))
      assert.isFalse(compared(self, 3, 900))
      assert.isTrue(compared(self, 3, 1_100))
    }
    // With as many members the lower id begins.
    assert.isTrue(compared(idOf(1), 4, 10))
    assert.isFalse(compared(idOf(9), 4, 900))
  })

  it("forged, malformed, old and future notes change nothing", () => {
    const { state, view } = make()
    const before = view()
    const forged = here(idOf(2), START)
    forged[forged.length - 64] = 0
    assert.strictEqual(state.receive(idOf(9), forged, 0), "reject")
    assert.strictEqual(state.receive(idOf(9), sign(idOf(2))(NoteKind.here, START, new Uint8Array(3)), 0), "reject")
    assert.strictEqual(state.receive(idOf(9), sign(idOf(2))(NoteKind.left, START, new Uint8Array(3)), 0), "reject")
    assert.strictEqual(state.receive(idOf(9), sign(idOf(2))(NoteKind.suspect, START, new Uint8Array(39)), 0), "reject")
    assert.strictEqual(state.receive(idOf(9), sign(idOf(2))(9, START, new Uint8Array(0)), 0), "ignore")
    assert.strictEqual(state.receive(idOf(9), here(idOf(2), START + Limits.CLOCK_SKEW_MS + 1), 0), "ignore")
    assert.strictEqual(state.receive(idOf(9), here(idOf(2), START - 41 * 60_000), 0), "ignore")
    assert.deepStrictEqual(view(), before)
    assert.strictEqual(state.stats.refused, 5)
  })

  it("a random whisper or note is never an exception", () => {
    const { state } = make()
    state.lineUp(idOf(2), 0)
    const rng = new Xoshiro128(2n)
    for (let run = 0; run < 2_000; run++) {
      const bytes = Uint8Array.from({ length: rng.nextInt(300) }, () => rng.nextInt(rng.nextInt(2) === 0 ? 256 : 4))
      const tag = rng.nextInt(9)
      state.whisper(idOf(2), Uint8Array.of(tag, ...bytes), 0)
      const note = new Uint8Array(Note.OVERHEAD_BYTES + bytes.length)
      note.set([Note.VERSION, tag])
      note.set(bytes, 2)
      state.receive(idOf(2), note, 0)
    }
    assert.isAbove(state.stats.refused, 0)
  })

  it("only accusations of members that are here count, each accuser once, and few of each", () => {
    const { state, tags } = make()
    for (const n of [2, 3, 4]) state.receive(idOf(2), here(idOf(n), START), 0)
    tags()
    assert.strictEqual(state.receive(idOf(2), suspect(idOf(8), [idOf(2), START]), 0), "ignore")
    assert.strictEqual(state.receive(idOf(2), suspect(idOf(3), [idOf(2), START - 1]), 0), "ignore")
    assert.deepStrictEqual(tags(), [])
    assert.strictEqual(state.receive(idOf(2), suspect(idOf(3), [idOf(2), START]), 0), "accept")
    assert.deepStrictEqual(tags(), ["Suspected"])
    assert.strictEqual(state.receive(idOf(2), suspect(idOf(3), [idOf(2), START]), 0), "ignore")
    // Of one accuser ten at once, then one in six seconds.
    for (let n = 10; n < 25; n++) state.receive(idOf(2), here(idOf(n), START), 0)
    const verdicts = Array.from({ length: 15 }, (_, i) =>
      state.receive(idOf(2), suspect(idOf(3), [idOf(10 + i), START]), 0),
    )
    assert.strictEqual(verdicts.filter((each) => each === "accept").length, 9)
  })

  it("a suspected member is lost after 6 s, with two accusers after 3 s; a newer entry of it ends the suspicion", () => {
    for (const [accusers, ms] of [
      [[3], 6_000],
      [[3, 4], 3_000],
    ] as const) {
      const { pass, state } = make()
      for (const n of [2, 3, 4, 5]) state.receive(idOf(9), here(idOf(n), START), 0)
      for (const n of accusers) state.receive(idOf(9), suspect(idOf(n), [idOf(2), START]), 0)
      state.take()
      state.lineUp(idOf(9), 0)
      assert.notInclude(
        pass(0, ms - 1).map(({ _tag }) => _tag),
        "Lost",
      )
      assert.include(
        pass(ms, 1).map(({ _tag }) => _tag),
        "Lost",
      )
      assert.strictEqual(state.get(idOf(2))?.status, "lost")
    }
    const { pass, state, tags } = make()
    for (const n of [2, 3]) state.receive(idOf(9), here(idOf(n), START), 0)
    state.receive(idOf(9), suspect(idOf(3), [idOf(2), START]), 0)
    tags()
    state.receive(idOf(9), here(idOf(2), START + 1), 0)
    assert.deepStrictEqual(tags(), ["Updated"])
    pass(0, 8_000)
    assert.strictEqual(state.get(idOf(2))?.status, "here")
  })

  it("refutes an accusation of itself with a higher stamp", () => {
    const { state } = make()
    state.neighborUp(idOf(3), 0)
    state.receive(idOf(9), here(idOf(3), START), 0)
    state.take()
    const { stamp } = state.get(me)!
    assert.strictEqual(state.receive(idOf(9), suspect(idOf(3), [me, stamp]), 0), "accept")
    const [output] = state.take()
    assert(output?._tag === "Broadcast")
    assert.isAbove(Note.stamp(output.note), stamp)
    // The same accusation again is old.
    assert.strictEqual(state.receive(idOf(9), suspect(idOf(3), [me, stamp]), 0), "ignore")
  })

  it("a member that changes too often is believed and not passed on; others do not suffer", () => {
    const { state } = make()
    const verdicts = Array.from({ length: 20 }, (_, i) => state.receive(idOf(9), here(idOf(2), START + i, i), 0))
    assert.strictEqual(verdicts.filter((each) => each === "accept").length, Limits.AUTHOR_BURST)
    assert.deepStrictEqual(state.get(idOf(2))?.here.state, Uint8Array.of(19))
    assert.strictEqual(state.receive(idOf(9), here(idOf(3), START), 0), "accept")
  })

  it("keeps no more members than it may, and those that are gone make room", () => {
    const { state } = make(me, 10)
    for (let n = 2; n < 40; n++) state.receive(idOf(9), here(idOf(n), START), 0)
    assert.strictEqual(state.count, 10)
    for (let n = 2; n < 40; n++) state.receive(idOf(9), left(idOf(n), START + 1), 0)
    for (let n = 100; n < 140; n++) state.receive(idOf(9), here(idOf(n), START), 0)
    assert.strictEqual(state.count, 10)
    assert.isAtMost([...state.entries].length, 20)
  })

  it("corrects an entry of its own that it did not make, and gives up when another process uses its key", () => {
    const { state } = make()
    state.neighborUp(idOf(3), 0)
    state.take()
    const seen: Array<string> = []
    for (let i = 1; i < 6; i++) {
      state.receive(idOf(9), here(me, START + 1_000 * i), 0)
      seen.push(...state.take().map(({ _tag }) => _tag))
    }
    assert.deepStrictEqual(seen, ["Broadcast", "Broadcast", "KeyInUse", "Broadcast"])
  })
})

describe("whispers", () => {
  it("are read as they were written", () => {
    const root = { high: 0xdead_beef, low: 1 }
    const notes = [here(idOf(2), START), left(idOf(3), START)]
    const whispers: ReadonlyArray<Whisper> = [
      { _tag: "Digest", flags: 5, count: 1_000, root },
      { _tag: "Buckets", bits: 1, roots: [root, { high: 0, low: 0xffff_ffff }] },
      {
        _tag: "Items",
        isReply: true,
        bits: 4,
        buckets: [0, 15],
        items: [{ prefix: "00112233445566ff", stamp: START }],
      },
      { _tag: "Want", prefixes: ["00112233445566ff", "0".repeat(16)] },
      { _tag: "Notes", notes },
      { _tag: "Pull", after: idOf(7) },
      { _tag: "Page", isLast: true, notes },
      { _tag: "Page", isLast: false, notes: [] },
    ]
    for (const whisper of whispers) assert.deepStrictEqual(decodeWhisper(encodeWhisper(whisper)), whisper)
  })
})
