/** Ensures that a process has one topic of a gossip id at a time: an open topic holds a claim until its gossip topic has closed. */
import { Deferred, Effect, Equal } from "effect"
import { refusedArgument, type TopicError } from "../topic/TopicError.ts"
import type { TopicKey } from "../topic/TopicKey.ts"

/** The claim of an open topic. */
export interface TopicClaim {
  readonly key: TopicKey
  readonly released: Deferred.Deferred<void>
  /** The topic is being left: a later claim waits until this one is released, also one with another secret. */
  isLeaving: boolean
}

export class TopicClaims {
  readonly #claims = new Map<string, TopicClaim>()

  /** Waits for a topic with the same gossip id that is being left. Fails if one is open with another secret. */
  claim(key: TopicKey): Effect.Effect<TopicClaim, TopicError> {
    return Effect.suspend(() => {
      const other = this.#claims.get(key.gossipTopic.hex)
      if (other === undefined) {
        const claim: TopicClaim = { key, released: Deferred.makeUnsafe(), isLeaving: false }
        this.#claims.set(key.gossipTopic.hex, claim)
        return Effect.succeed(claim)
      }
      if (!other.isLeaving && !Equal.equals(other.key, key)) {
        const message = "secret: the topic is open with another secret; leave it first"
        return Effect.fail(refusedArgument("secret", message))
      }
      return Effect.andThen(Deferred.await(other.released), this.claim(key))
    })
  }

  release(claim: TopicClaim): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      const id = claim.key.gossipTopic.hex
      if (this.#claims.get(id) === claim) this.#claims.delete(id)
      return Deferred.succeed(claim.released, undefined)
    })
  }
}
