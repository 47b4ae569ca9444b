import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Door } from "@topic-tracker/crypto/members"
import {
  DOOR_MS,
  DoorAcceptor,
  DoorDialler,
  DoorGuard,
  type DoorOutput,
  type DoorTopic,
} from "@topic-tracker/gossip/members"
import { Effect, Schema } from "effect"
import { filled, type Member, MINUTE, memberOf } from "./support.ts"

const DIALLER = filled(32, 0xd1)
const ACCEPTOR = filled(32, 0xac)

const topicOf = ({ gossipTopic, window }: Member, nonce: number): DoorTopic => ({
  gossipTopic,
  window,
  nonce: () => filled(32, nonce),
})

const findTagOf =
  (member: Member, nonce = 4) =>
  (doorTag: Uint8Array) => {
    const keys = member.window.findTag(doorTag)
    return keys && { topic: topicOf(member, nonce), keys }
  }

const dial = (member: Member, options: Partial<ConstructorParameters<typeof DoorDialler>[0]> = {}) =>
  new DoorDialler({
    topic: topicOf(member, 3),
    self: DIALLER,
    peer: ACCEPTOR,
    flags: 5,
    now: 0,
    ...options,
  })

const accept = (member: Member, options: Partial<ConstructorParameters<typeof DoorAcceptor>[0]> = {}) =>
  new DoorAcceptor({
    findTag: findTagOf(member),
    self: ACCEPTOR,
    peer: DIALLER,
    flags: 1,
    now: 0,
    ...options,
  })

/** Carries messages between both until nothing is left to carry. `change` may alter a message. */
const run = (
  dialler: DoorDialler,
  acceptor: DoorAcceptor,
  change: (bytes: Uint8Array, name: number) => Uint8Array = (bytes) => bytes,
) => {
  const ends: { dialler?: DoorOutput; acceptor?: DoorOutput } = {}
  const sent: Array<Uint8Array> = []
  const handle = (side: "dialler" | "acceptor", outputs: ReadonlyArray<DoorOutput>): void => {
    for (const output of outputs) {
      if (output._tag === "AskAllow") handle("acceptor", acceptor.answer("admit"))
      else if (output._tag === "Send") {
        sent.push(output.bytes)
        const bytes = change(output.bytes, sent.length)
        if (side === "dialler") handle("acceptor", acceptor.receive(bytes, 0))
        else handle("dialler", dialler.receive(bytes))
      } else ends[side] = output
    }
  }
  handle("dialler", dialler.start())
  return { ...ends, sent }
}

const reason = (output: DoorOutput | undefined) =>
  output?._tag === "Failed" ? `${output.byPeer ? "by peer: " : ""}${output.reason}` : output?._tag

/** Two members, made once: the tests that use them do not change them. */
let members: { readonly a: Member; readonly b: Member } | undefined

const withMembers = <A>(body: (members: { a: Member; b: Member }) => A) =>
  Effect.gen(function* () {
    const crypto = yield* Crypto
    members ??= { a: yield* memberOf(crypto), b: yield* memberOf(crypto) }
    return body(members)
  }).pipe(Effect.provide(Crypto.layer()))

describe("Door", () => {
  it.effect("proves both members to each other in four messages", () =>
    withMembers(({ a, b }) => {
      const { acceptor, dialler, sent } = run(dial(a), accept(b))
      assert.deepStrictEqual(
        sent.map((bytes) => bytes.length),
        [47, 38, 33, 33],
      )
      assert.deepInclude(dialler, { _tag: "Proven", peerFlags: 1, epoch: MINUTE, rest: new Uint8Array(0) })
      assert.deepInclude(acceptor, { _tag: "Proven", peerFlags: 5, epoch: MINUTE })
    }),
  )

  it.effect("reads messages in any pieces, and passes on what follows the last one", () =>
    withMembers(({ a, b }) => {
      for (const size of [1, 7, 46]) {
        const dialler = dial(a)
        const acceptor = accept(b)
        const pieces = (bytes: Uint8Array, receive: (piece: Uint8Array) => ReadonlyArray<DoorOutput>) => {
          const outputs: Array<DoorOutput> = []
          for (let at = 0; at < bytes.length; at += size) outputs.push(...receive(bytes.subarray(at, at + size)))
          return outputs
        }
        const bytesOf = (outputs: ReadonlyArray<DoorOutput>) => {
          const first = outputs[0]
          assert(first?._tag === "Send")
          return first.bytes
        }
        pieces(bytesOf(dialler.start()), (piece) => acceptor.receive(piece, 0))
        const m3 = bytesOf(pieces(bytesOf(acceptor.answer("admit")), (piece) => dialler.receive(piece)))
        const last = pieces(m3, (piece) => acceptor.receive(piece, 0))
        assert.strictEqual(last[1]?._tag, "Proven")
        const proven = dialler.receive(Uint8Array.of(...bytesOf(last), 9, 9))[0]
        assert(proven?._tag === "Proven")
        assert.deepStrictEqual(proven.rest, Uint8Array.of(9, 9))
      }
    }),
  )

  it.effect("never proves anybody if a bit of a message is changed on the way", () =>
    withMembers(({ a, b }) => {
      const lengths = [47, 38, 33, 33]
      for (let name = 1; name <= 4; name++) {
        for (let bit = 0; bit < lengths[name - 1]! * 8; bit++) {
          const { acceptor, dialler } = run(dial(a), accept(b), (bytes, each) => {
            const altered = bytes.slice()
            if (each === name) altered[bit >>> 3]! ^= 1 << (bit & 7)
            return altered
          })
          // After m3 the acceptor has the dialler's proof: a change of m4 only keeps the dialler out.
          assert.notStrictEqual(dialler?._tag, "Proven", `message ${name}, bit ${bit}`)
          if (name < 4) assert.notStrictEqual(acceptor?._tag, "Proven", `message ${name}, bit ${bit}`)
        }
      }
    }),
  )

  it.effect("is closed to a wrong secret or name: the tag is unknown", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const member = yield* memberOf(crypto)
      for (const options of [{ secret: "other" }, { name: "other" }]) {
        const outsider = yield* memberOf(crypto, options)
        const { acceptor, dialler } = run(dial(outsider), accept(member))
        assert.strictEqual(reason(acceptor), "not here")
        assert.strictEqual(reason(dialler), "by peer: not here")
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("is closed to one who has a tag but not the key, on either side", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const member = yield* memberOf(crypto)
      const outsider = yield* memberOf(crypto, { secret: "other" })
      // Knows the tags of members: from a leak.
      const leaked = { ...outsider, gossipTopic: member.gossipTopic }
      const withTag = accept(leaked, {
        findTag: () => ({ topic: topicOf(leaked, 4), keys: leaked.window.keys(MINUTE)! }),
      })
      assert.strictEqual(reason(run(dial(member), withTag).acceptor), "proof wrong")
      const tag = member.window.keys(MINUTE)!.doorTag
      const { acceptor } = run(dial(leaked), accept(member), (bytes, name) => {
        if (name !== 1) return bytes
        const m1 = bytes.slice()
        m1.set(tag, 7)
        return m1
      })
      assert.strictEqual(reason(acceptor), "proof wrong")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("is closed to replayed, reflected and relayed messages", () =>
    withMembers(({ a, b }) => {
      const recorded = run(dial(a), accept(b)).sent
      // Replay: the acceptor's nonce is new.
      const replay = accept(b, { findTag: findTagOf(b, 0x55) })
      replay.receive(recorded[0]!, 0)
      replay.answer("admit")
      assert.strictEqual(reason(replay.receive(recorded[2]!, 0).at(-1)), "proof wrong")
      // Reflection: the dialler's own proof as the acceptor's.
      const reflected = dial(a)
      reflected.start()
      reflected.receive(recorded[1]!)
      const m4 = recorded[2]!.slice()
      m4[0] = 4
      assert.strictEqual(reason(reflected.receive(m4)[0]), "proof wrong")
      // Relay: the man in the middle has another id on each side.
      const middle = filled(32, 0x11)
      const relayed = run(dial(a, { peer: middle }), accept(b, { peer: middle }))
      assert.strictEqual(reason(relayed.acceptor), "proof wrong")
      assert.strictEqual(reason(relayed.dialler), "by peer: proof wrong")
      // Both as dialler: the roles are part of the proof.
      const swapped = run(dial(a, { self: ACCEPTOR, peer: DIALLER }), accept(b))
      assert.strictEqual(reason(swapped.acceptor), "proof wrong")
    }),
  )

  it.effect("lets in one whose clock is up to 12 minutes off, and no further, with the later minute as the key", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const member = yield* memberOf(crypto)
      for (let apart = -15; apart <= 15; apart++) {
        const other = yield* memberOf(crypto, { minute: MINUTE + apart })
        const { acceptor, dialler } = run(dial(other), accept(member))
        if (Math.abs(apart) <= 12) {
          for (const end of [dialler, acceptor]) {
            assert(end?._tag === "Proven", `${apart}`)
            assert.strictEqual(end.epoch, Math.max(MINUTE, MINUTE + apart))
          }
        } else assert.strictEqual(reason(dialler), "by peer: not here")
      }
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("refuses with `clock` a tag that is so old that the dialler would not accept the acceptor's minute", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const behind = yield* memberOf(crypto, { minute: MINUTE - 10 })
      const member = yield* memberOf(crypto)
      member.window.noteProven(MINUTE + 7)
      assert.strictEqual(reason(run(dial(behind), accept(member)).dialler), "by peer: clock")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("is closed, within the overlap of minutes too, to the keys of a secret that was replaced", () =>
    Effect.gen(function* () {
      const crypto = yield* Crypto
      const member = yield* memberOf(crypto)
      const excluded = yield* memberOf(crypto)
      // The present minute has other keys at the member; the minutes before are the same for both.
      member.window.add((yield* memberOf(crypto, { secret: "new" })).window.keys(MINUTE)!)
      assert.strictEqual(reason(run(dial(excluded), accept(member)).dialler), "by peer: not here")
      const old = yield* memberOf(crypto, { minute: MINUTE - 1 })
      assert.strictEqual(reason(run(dial(old), accept(member)).dialler), "by peer: proof wrong")
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.effect("refuses whom `allow` does not admit, another version, and a second door", () =>
    withMembers(({ a, b }) => {
      for (const answer of ["not allowed", "busy"] as const) {
        const dialler = dial(a)
        const acceptor = accept(b)
        const m1 = dialler.start()[0]
        assert(m1?._tag === "Send")
        assert.strictEqual(acceptor.receive(m1.bytes, 0)[0]?._tag, "AskAllow")
        const [refusal, failed] = acceptor.answer(answer)
        assert.strictEqual(reason(failed), answer)
        assert(refusal?._tag === "Send")
        assert.strictEqual(reason(dialler.receive(refusal.bytes)[0]), `by peer: ${answer}`)
      }
      assert.strictEqual(reason(accept(b).receive(Uint8Array.of(1, 2), 0).at(-1)), "version")
      assert.deepStrictEqual(Door.encodeRefusal("proof wrong"), Uint8Array.of(0, 6))
      assert.strictEqual(Door.decodeRefusal(77), "version")
    }),
  )

  it.effect("ends after 5 s, or when `allow` gives no answer for 1 s", () =>
    withMembers(({ a, b }) => {
      const dialler = dial(a)
      assert.strictEqual(dialler.deadline, DOOR_MS)
      assert.deepStrictEqual(dialler.timeUp(4_999), [])
      assert.strictEqual(reason(dialler.timeUp(5_000)[0]), "time")
      assert.isUndefined(dialler.deadline)
      assert.deepStrictEqual(dialler.receive(Uint8Array.of(2)), [])
      const silent = accept(b)
      assert.strictEqual(reason(silent.timeUp(5_000)[0]), "time")
      const acceptor = accept(b)
      const m1 = dial(a).start()[0]
      assert(m1?._tag === "Send")
      acceptor.receive(m1.bytes, 100)
      assert.strictEqual(acceptor.deadline, 1_100)
      assert.strictEqual(reason(acceptor.timeUp(1_100).at(-1)), "busy")
      const late = accept(b)
      late.receive(m1.bytes, 4_500)
      assert.strictEqual(late.deadline, 5_000)
    }),
  )

  it.effect("ends at bytes that come too early or are too many", () =>
    withMembers(({ a, b }) => {
      const [m1, m2] = run(dial(a), accept(b)).sent
      assert.strictEqual(reason(accept(b).receive(Uint8Array.of(...m1!, 3), 0)[0]), "malformed")
      assert.strictEqual(reason(accept(b).receive(new Uint8Array(81).fill(1), 0)[0]), "malformed")
      assert.strictEqual(reason(accept(b).receive(Uint8Array.of(3), 0)[0]), "malformed")
      const waiting = accept(b)
      waiting.receive(m1!, 0)
      assert.strictEqual(reason(waiting.receive(Uint8Array.of(3), 0)[0]), "malformed")
      const dialler = dial(a)
      dialler.start()
      assert.strictEqual(reason(dialler.receive(Uint8Array.of(...m2!, 4))[0]), "malformed")
    }),
  )

  it.effect.prop(
    "ends within 5 s and proves nobody, whatever an outsider sends",
    {
      pieces: Schema.Array(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))),
      from: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
      tag: Schema.Boolean,
    },
    ({ from, pieces, tag }) =>
      withMembers(({ a, b }) => {
        const dialler = dial(a)
        const acceptor = accept(b)
        const recorded = run(dial(a, { topic: topicOf(a, 9) }), accept(b, { findTag: findTagOf(b, 9) })).sent
        const outputs: Array<DoorOutput> = [...dialler.start()]
        const give = (bytes: Uint8Array) => {
          outputs.push(...acceptor.receive(bytes, 0), ...acceptor.answer("admit"), ...dialler.receive(bytes))
        }
        if (tag) give(recorded[0]!)
        if (from > 0) give(recorded[from - 1]!)
        for (const piece of pieces) give(Uint8Array.from(piece))
        outputs.push(...acceptor.timeUp(DOOR_MS), ...dialler.timeUp(DOOR_MS))
        assert.isUndefined(outputs.find((output) => output._tag === "Proven"))
        assert.isUndefined(acceptor.deadline)
        assert.isUndefined(dialler.deadline)
      }),
  )
})

describe("DoorGuard", () => {
  it("lets an id wait 10 s after a wrong proof, doubled up to 5 minutes", () => {
    const guard = new DoorGuard()
    let now = 0
    const waits: Array<number> = []
    for (let i = 0; i < 7; i++) {
      assert.isTrue(guard.mayTry("a", now))
      guard.noteWrongProof("a", now)
      let wait = 0
      while (!guard.mayTry("a", now + wait)) wait += 1_000
      waits.push(wait / 1_000)
      now += wait
    }
    assert.deepStrictEqual(waits, [10, 20, 40, 80, 160, 300, 300])
    assert.isTrue(guard.mayTry("b", 0))
    now += 16 * 60_000
    guard.noteWrongProof("a", now)
    assert.isTrue(guard.mayTry("a", now + 10_000))
  })

  it("lets an id ask for 10 topics a minute that are not here", () => {
    const guard = new DoorGuard()
    for (let i = 0; i < 9; i++) guard.noteUnknownTag("a", i * 100)
    assert.isTrue(guard.mayTry("a", 900))
    guard.noteUnknownTag("a", 900)
    assert.isFalse(guard.mayTry("a", 59_999))
    assert.isTrue(guard.mayTry("a", 60_000))
  })

  it("keeps at most 1,024 ids", () => {
    const guard = new DoorGuard()
    guard.ban("first", 600_000, 0)
    for (let i = 0; i < 1_024; i++) guard.ban(`${i}`, 600_000, 0)
    assert.isTrue(guard.mayTry("first", 0))
    assert.isFalse(guard.mayTry("1023", 599_999))
  })
})
