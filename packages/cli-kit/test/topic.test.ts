import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Invite from "@topic-tracker/core/Invite"
import { ConfigProvider, Effect, Option, Redacted, Result } from "effect"
import { type GivenTopic, readTopic, type TopicDefaults } from "../src/topic.ts"

const SECRET = "0123456789abcdef0123456789abcdef"

const none: GivenTopic = {
  topic: Option.none(),
  secret: Option.none(),
  secretFile: Option.none(),
  access: Option.none(),
  invite: Option.none(),
}
const named: GivenTopic = { ...none, topic: Option.some("t"), secret: Option.some(Redacted.make(SECRET)) }

const makeInvite = (options: Partial<Invite.InviteOptions> = {}) =>
  Redacted.value(Result.getOrThrow(Invite.make({ topic: "t", secret: Redacted.make(SECRET), ...options })))
const invited = (text: string): GivenTopic => ({ ...none, invite: Option.some(Redacted.make(text)) })

/** The same with another last character. */
const misread = (text: string) => text.slice(0, -1) + (text.endsWith("y") ? "e" : "y")

const read = (given: GivenTopic, defaults?: TopicDefaults, env: Readonly<Record<string, string>> = {}) =>
  readTopic(given, defaults).pipe(
    Effect.provide([NodeServices.layer, ConfigProvider.layer(ConfigProvider.fromEnv({ env }))]),
  )

describe("readTopic", () => {
  it.effect("takes the options, else the defaults", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* read(named), { access: "open", name: "t" })
      assert.deepInclude(yield* read({ ...named, access: Option.some("members") }), { access: "members" })
      const defaults = { topic: "lobby", secret: "everybody", access: "members" } as const
      const { access, join, name } = yield* read(none, defaults)
      assert.deepStrictEqual([access, name], ["members", "lobby"])
      assert.isTrue("secret" in join && Redacted.isRedacted(join.secret))
    }),
  )

  it.effect("takes topic, secret and access of an invitation, written either way", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* read(invited(makeInvite())), { access: "members", name: "t" })
      assert.deepInclude(yield* read(invited(makeInvite({ access: "open" }))), { access: "open" })
      const { join } = yield* read(invited(`  ${makeInvite().toUpperCase()}\n`))
      assert.isTrue("invite" in join)
    }),
  )

  for (const { env, given, message, what } of [
    { what: "no topic", given: none, message: "--topic is missing: The topic's name" },
    {
      what: "no secret",
      given: { ...named, secret: Option.none() },
      message: "the secret is missing: give --secret-file PATH, or set TOPIC_TRACKER_SECRET, or give --secret TEXT",
    },
    {
      what: "an invitation with what it says",
      given: { ...named, invite: Option.some(Redacted.make(makeInvite())), access: Option.some("members" as const) },
      message: "--invite: has topic, secret and access; give it without --topic, --secret, --access",
    },
    {
      what: "an invitation and the variable",
      given: invited(makeInvite()),
      message: "--invite: has topic, secret and access; give it without TOPIC_TRACKER_SECRET",
      env: { TOPIC_TRACKER_SECRET: SECRET },
    },
    { what: "another text", given: invited("come in"), message: "--invite: it does not begin with tt1" },
    {
      what: "a wrong character",
      given: invited(misread(makeInvite())),
      message: "--invite: a character is wrong or missing",
    },
    {
      what: "a lost character",
      given: invited(makeInvite().slice(0, -1)),
      message: "--invite: a character is wrong or missing",
    },
    {
      what: "an old invitation",
      // The TestClock begins at 0.
      given: invited(makeInvite({ expires: 0 })),
      message: "--invite: it expired at 1970-01-01T00:00:00.000Z",
    },
  ] satisfies ReadonlyArray<{
    readonly what: string
    readonly given: GivenTopic
    readonly message: string
    readonly env?: Readonly<Record<string, string>>
  }>) {
    it.effect(`${what} gives one line, without a secret`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(read(given, {}, env))
        assert.deepStrictEqual([error._tag, error.message], ["UsageError", message])
      }),
    )
  }
})
