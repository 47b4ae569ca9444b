import { Crypto, Record, TopicId } from "@topic-tracker/crypto"
import { openVerified, seal } from "@topic-tracker/crypto/EncryptedRecord"
import { Postcard } from "@topic-tracker/postcard"
import { Effect, Redacted } from "effect"

const Text = Postcard.toSchema(Postcard.string)
const topic = TopicId.fromName("a topic")

const program = Effect.gen(function* () {
  const crypto = yield* Crypto
  const signingKey = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  const encryptionKey = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  const record = yield* Record.sign({ topic, unixMinute: 1n, schema: Text, content: "hello", signingKey })
  const sealed = yield* seal(record, encryptionKey)
  const opened = yield* openVerified(sealed, { encryptionKey, topic, unixMinute: 1n })
  console.log(yield* Record.content(opened, Text)) // → hello
})

await Effect.runPromise(Effect.provide(program, Crypto.layer()))
