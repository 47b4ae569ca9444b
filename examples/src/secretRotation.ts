/**
 * A secret rotation of one's own, given as a Layer. It decides which key seals the records of a minute, so all members of a
 * topic must use the same: those with another find records that they cannot open.
 */
import { createHash } from "node:crypto"
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { type RotationInput, SecretRotation } from "@topic-tracker/crypto"
import { Effect, Redacted } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

/**
 * Any function to 32 bytes will do, and it may be an Effect: one that asks a key server, say. This one mixes a year's pass
 * phrase into the secret, so that who left the group last year is out, and hashes topic and minute so that no key serves twice.
 */
const yearlyRotation = SecretRotation.layerFrom(({ topic, unixMinute, initialSecretHash }: RotationInput) => {
  const year = new Date(Number(unixMinute) * 60_000).getUTCFullYear()
  const hash = createHash("sha512")
    .update(topic.bytes)
    .update(`${unixMinute}`)
    .update(Redacted.value(initialSecretHash))
    .update(`pass phrase of ${year}`)
    .digest()
  return Redacted.make(new Uint8Array(hash.subarray(0, 32)))
})

const secretRotation = Effect.fn("secretRotation")(function* ({ topic, secret }: Meeting) {
  yield* talk(yield* Topic.join({ topic, secret }))
}, Effect.scoped)

const command = Command.make("secret-rotation", meetingFlags("secret-rotation example"), (options) =>
  secretRotation(options).pipe(
    Effect.provide(layerOn(options, (bootstrap) => TopicTracker.layer({ bootstrap, rotation: yearlyRotation }))),
  ),
).pipe(Command.withDescription("Be in a topic whose records are sealed by a rotation of our own; until interrupted."))

runCommand(command, { whenInterrupted: 0 })
