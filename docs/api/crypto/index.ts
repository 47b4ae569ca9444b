import { Crypto, Identity, TopicId } from "@topic-tracker/crypto"
import { Effect, Layer } from "effect"

const program = Effect.gen(function* () {
  const crypto = yield* Crypto
  const { signingKey } = yield* Identity
  const message = TopicId.fromName("a topic").bytes
  const signature = crypto.sign(signingKey, message)
  console.log(crypto.verifyStrict(signingKey.publicKey, message, signature)) // → true
})

const layer = Identity.layerRandom().pipe(Layer.provideMerge(Crypto.layer()))
await Effect.runPromise(Effect.provide(program, layer))
