import { Crypto, TopicId } from "@topic-tracker/crypto"
import { decode, encode, sign, verify } from "@topic-tracker/crypto/Record"
import { Postcard } from "@topic-tracker/postcard"
import { Effect, Redacted } from "effect"

const topic = TopicId.fromName("a topic")

const program = Effect.gen(function* () {
  const crypto = yield* Crypto
  const signingKey = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  const schema = Postcard.toSchema(Postcard.u16)
  const record = yield* sign({ topic, unixMinute: 7n, schema, content: 9100, signingKey })
  const read = yield* Effect.fromResult(decode(encode(record)))
  yield* verify(read, topic, 7n)
  console.log(read.unixMinute) // → 7n
})

await Effect.runPromise(Effect.provide(program, Crypto.layer()))
