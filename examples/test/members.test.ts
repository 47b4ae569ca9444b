/** Runs the examples of members-only topics as real processes on an embedded testnet. */
import { assert, layer } from "@effect/vitest"
import * as Invite from "@topic-tracker/core/Invite"
import { Effect, Redacted, Result } from "effect"
import { vi } from "vitest"
import { start } from "./Running.ts"
import { startHere, Testnet } from "./Testnet.ts"

// Many processes run at once, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 })

const invitationTo = (access: "open" | "members") =>
  Redacted.value(
    Result.getOrThrow(Invite.make({ topic: "by invitation", secret: Redacted.make("only the two of us"), access })),
  )

layer(Testnet.layer, { concurrent: true, excludeTestServices: true })("examples of members-only topics", (it) => {
  it.effect("typed-channel: both hear the other's readings in order, and leave when interrupted", () =>
    Effect.gen(function* () {
      const both = yield* Effect.all([startHere("typedChannel"), startHere("typedChannel")])
      const third = /^reading \d+ of [0-9a-f]{8}…: (18|19|2[0-5]) °C, battery (full|low)$/
      for (const one of both) {
        yield* one.prints(/^sent reading 3: /)
        yield* one.prints(/^reading [3-9] of/)
        const readings = one.lines.filter((line) => line.startsWith("reading "))
        const numbers = readings.map((line) => Number(/\d+/.exec(line)?.[0]))
        assert.deepStrictEqual(
          numbers,
          numbers.map((_, n) => (numbers[0] ?? 0) + n),
        )
        for (const line of readings) assert.match(line, third)
        // A low battery is said when it is low, else the field is left out.
        for (const line of readings) assert.strictEqual(line.endsWith("low"), /: 1[89] °C/.test(line), line)
      }
      for (const { interrupt } of both) yield* interrupt
      for (const one of both) assert.strictEqual(yield* one.exitCode, 0, one.errors.join())
    }),
  )

  it.effect("who-is-here: members see each other, what they do, and who leaves", () =>
    Effect.gen(function* () {
      const ada = yield* startHere("whoIsHere", ["--name", "ada"])
      const bo = yield* startHere("whoIsHere", ["--name", "bo"])
      yield* Effect.all([
        ada.prints(/^[0-9a-f]{8}… "bo" is here: "nothing yet"$/),
        bo.prints(/^[0-9a-f]{8}… "ada" is here: "nothing yet"$/),
      ])
      yield* ada.type("reads")
      yield* bo.prints(/^[0-9a-f]{8}… "ada" now: "reads"$/)
      yield* bo.interrupt
      assert.strictEqual(yield* bo.exitCode, 0)
      yield* ada.prints(/^[0-9a-f]{8}… "bo" has left, "nothing yet"$/)
      yield* ada.interrupt
      assert.strictEqual(yield* ada.exitCode, 0)
    }),
  )

  it.effect("members-only: two members hear each other, and a node with another secret nobody", () =>
    Effect.gen(function* () {
      const stranger = yield* startHere("membersOnly", ["--secret", "a guess"])
      const both = yield* Effect.all([startHere("membersOnly"), startHere("membersOnly")])
      for (const one of both) {
        yield* one.prints(/^neighbors: [0-9a-f]{8}…$/)
        yield* one.prints(/^[0-9a-f]{8}… says "hello" \(3, directly\)$/)
      }
      yield* stranger.interrupt
      assert.strictEqual(yield* stranger.exitCode, 0)
      assert.deepStrictEqual(stranger.lines.slice(1), ["waiting for the first member…", "neighbors: none"])
      const [, id] = / ([0-9a-f]{64})$/.exec(both[0].lines[0] ?? "") ?? []
      yield* both[1].interrupt
      const third = yield* startHere("membersOnly", ["--ban", `${id}`])
      yield* Effect.all([third, both[0]].map(({ prints }) => prints(/^refused: [0-9a-f]{8}… \(not allowed\)$/)))
    }),
  )

  it.effect("invite: a guest joins with the printed text, without a DHT, and both say hello", () =>
    Effect.gen(function* () {
      // A port of nobody: only the address in the invitation leads to the founder.
      const nowhere = ["--bootstrap", "127.0.0.1:9"]
      const founder = yield* start("invite", nowhere)
      const invitation = yield* founder.prints(/^tt1[a-z0-9]+$/)
      assert.deepInclude(yield* Invite.parse(invitation), { topic: "invite example", access: "members" })
      const guest = yield* start("invite", [...nowhere, "--invite", invitation])
      for (const one of [founder, guest]) {
        yield* one.prints(/^joined$/)
        yield* one.prints(/^[0-9a-f]{8}… says "hello"$/)
      }
      // The QR code, as large as its text needs it, before the text.
      assert.match(founder.lines[0] ?? "", /^█{41,69}$/)
      yield* guest.interrupt
      assert.strictEqual(yield* guest.exitCode, 0, guest.errors.join())
    }),
  )

  it.effect("chat --invite: the invited one is in the room of those who have the secret", () =>
    Effect.gen(function* () {
      const secret = ["--topic", "by invitation", "--secret", "only the two of us"]
      const ada = yield* startHere("chat", [...secret, "--name", "ada"])
      const bo = yield* startHere("chat", ["--invite", invitationTo("members"), "--name", "bo"])
      yield* bo.prints(/^\* ada is here/)
      yield* ada.type("you came!")
      yield* bo.prints(/^ada › you came!$/)
    }),
  )

  for (const [name, args, line] of [
    ["chat", ["--invite", "come in"], "--invite: it does not begin with tt1"],
    [
      "chat",
      ["--invite", invitationTo("open")],
      "--invite: it is to an open topic; this example needs a members-only one",
    ],
    ["invite", ["--invite", `${invitationTo("members")}y`], "--invite: a character is wrong or missing"],
  ] as const) {
    it.effect(`${name}: a wrong invitation gives one line and exit code 2: ${line}`, () =>
      Effect.gen(function* () {
        const one = yield* start(name, args)
        assert.strictEqual(yield* one.exitCode, 2)
        assert.deepStrictEqual(one.errors, [line])
      }),
    )
  }
})
