/**
 * The secrets of a topic over time: a new one, from a minute on, excludes everybody who has only the old ones. Plain data; a layer of
 * SecretRotation asks it for each minute. The seeds have the form of the default rotation, so a ring with one secret is that rotation.
 */
import { u64be } from "@topic-tracker/common/Bytes"
import { Redacted } from "effect"
import { sha512Half } from "../hash.ts"
import type { TopicId } from "../TopicId.ts"

/**
 * The most generations that a ring keeps. The lowest one is forgotten.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_GENERATIONS = 64

/**
 * A secret and the minute from which it is used.
 *
 * @since 0.1.0
 * @category models
 */
export interface Generation {
  /** A u32. The first secret of a topic has 0. Of two that are valid at a minute, the higher one counts. */
  readonly generation: number
  /** The minute since the Unix epoch. */
  readonly from: number
  /** 32 bytes: `initialSecretHash` of the secret. */
  readonly secretHash: Redacted.Redacted<Uint8Array>
}

/**
 * The generations of a topic's secret. Throws a RangeError if the first one is not valid.
 *
 * @since 0.1.0
 * @category models
 */
export class SecretRing {
  /** Ascending by generation. */
  #generations: ReadonlyArray<Generation>

  /** Starts with the secret that the topic is joined with. */
  constructor(secretHash: Redacted.Redacted<Uint8Array>, generation = 0, from = 0) {
    this.#generations = [checked({ generation, from, secretHash })]
  }

  /**
   * Adds a secret. Throws a RangeError if this generation is there already: two members that choose a new secret at the same time must
   * agree on one.
   */
  add(added: Generation): void {
    checked(added)
    if (this.#generations.some(({ generation }) => generation === added.generation)) {
      throw new RangeError(`generation: ${added.generation} is in the ring already`)
    }
    const all = [...this.#generations, added].sort((a, b) => a.generation - b.generation)
    this.#generations = all.slice(-MAX_GENERATIONS)
  }

  /** The generations, ascending. */
  get generations(): ReadonlyArray<Generation> {
    return this.#generations
  }

  /** The generation of a minute: the highest that has begun, or the lowest of all if none has. */
  at(minute: number): Generation {
    const begun = this.#generations.filter(({ from }) => from <= minute)
    return begun.at(-1) ?? this.#generations[0]!
  }

  /** Forgets the generations below: who learns this node's secrets later cannot read what they sealed. */
  forgetBelow(generation: number): void {
    const kept = this.#generations.filter((each) => each.generation >= generation)
    if (kept.length > 0) this.#generations = kept
  }

  /** The 32 bytes of SHA-512 of topic ‖ minute (u64 big-endian) ‖ secret hash of the minute's generation. */
  seed(topic: TopicId, unixMinute: bigint): Redacted.Redacted<Uint8Array> {
    const { secretHash } = this.at(Number(unixMinute))
    return Redacted.make(sha512Half(topic.bytes, u64be(unixMinute), Redacted.value(secretHash)), {
      label: "encryptionSeed",
    })
  }
}

const checked = (added: Generation): Generation => {
  const { from, generation } = added
  if (!Number.isInteger(generation) || generation < 0 || generation > 0xffff_ffff) {
    throw new RangeError(`generation: ${generation}; must be 0 to 2^32 - 1`)
  }
  if (!Number.isSafeInteger(from) || from < 0)
    throw new RangeError(`from: ${from}; must be a minute since the Unix epoch`)
  const size = Redacted.value(added.secretHash).length
  if (size !== 32) throw new RangeError(`secretHash: ${size} bytes; must be 32`)
  return added
}
