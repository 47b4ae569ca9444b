/**
 * A custom secret rotation as a Layer. The rotation gives the key that seals the records of a minute, so all nodes of a topic must use
 * the same one: a node with another rotation cannot open the records that it finds.
 */
import { createHash } from "node:crypto"
import { runCommand } from "@topic-tracker/cli-kit"
import { Topic, TopicTracker } from "@topic-tracker/core"
import { type RotationInput, SecretRotation } from "@topic-tracker/crypto"
import { Console, Effect, Redacted } from "effect"
import { Command } from "effect/cli"
import { layerOn, type Meeting, meetingFlags, secretOf } from "./lib/meeting.ts"
import { talk } from "./lib/talk.ts"

/**
 * A function that returns 32 bytes, or an Effect of them, for example a request to a key server. This one adds a pass phrase that
 * changes every year, so that people who left the group last year cannot join, and the topic and minute, so that every key is used once.
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

const secretRotation = Effect.fn("secretRotation")(function* (meeting: Meeting) {
  yield* Console.log("waiting for the first peer…")
  yield* talk(yield* Topic.join({ topic: meeting.topic, secret: yield* secretOf(meeting) }))
}, Effect.scoped)

const command = Command.make("secret-rotation", meetingFlags("secret-rotation example"), (options) =>
  secretRotation(options).pipe(
    Effect.provide(
      layerOn(options, (bootstrap) => TopicTracker.layer({ config: { dht: { bootstrap } }, rotation: yearlyRotation })),
    ),
  ),
).pipe(Command.withDescription("Join a topic with a custom secret rotation. Runs until Ctrl-C."))

runCommand(command, { whenInterrupted: 0 })
