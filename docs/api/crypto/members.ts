import { Crypto, initialSecretHash, TopicId } from "@topic-tracker/crypto"
import { MembersKeys } from "@topic-tracker/crypto/members"
import { Effect, Redacted } from "effect"

const program = Effect.gen(function* () {
  const secret = initialSecretHash(Redacted.make("our secret"))
  const keys = new MembersKeys(yield* Crypto, TopicId.fromName("a topic"), secret)
  // The topic that gossip sees follows from the secret too, and so does each channel's tag.
  console.log(keys.gossipTopic.hex === TopicId.fromName("a topic").hex) // → false
  console.log(keys.channelTag("chat").length) // → 8
})

await Effect.runPromise(Effect.provide(program, Crypto.layer()))
