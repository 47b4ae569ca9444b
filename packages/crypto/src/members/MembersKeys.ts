/**
 * The key schedule of a members-only topic: HKDF-SHA256 (RFC 5869) from the topic id, the hash of the secret, and the seed that the
 * secret rotation gives for a minute. Plain functions without Effect: the caller asks the rotation. Every value is specified in
 * PROTOCOL.md, "Members-only topics".
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { concat, toHex } from "@topic-tracker/common/Bytes"
import { Redacted } from "effect"
import type { CryptoService } from "../CryptoService.ts"
import { TopicId } from "../TopicId.ts"

const utf8 = new TextEncoder()

const SALT = utf8.encode("topic-tracker/members/1")
const LABEL_GOSSIP = utf8.encode("gossip topic")
const LABEL_CHANNEL = utf8.encode("channel")
const LABEL_DOOR_TAG = utf8.encode("door tag")
const LABEL_DOOR = utf8.encode("door")
const LABEL_SEAL = utf8.encode("seal")

/** The keys of messages that are kept, of all authors, channels and minutes together. One derivation costs some 12 µs. */
const SEAL_KEYS = 1024

/**
 * The longest name of a channel, in bytes of UTF-8.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_CHANNEL_NAME_BYTES = 64

/**
 * How the messages of a channel are authenticated and how far they go. It is part of the channel's tag, so the same name in two modes is two
 * channels.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChannelMode {
  /** True if messages carry no signature: any member can write in any name. */
  readonly group: boolean
  /** True for messages that go to the neighbours and no further. */
  readonly neighborsOnly: boolean
}

/**
 * The mode as its number on the wire, 0 to 3.
 *
 * @since 0.1.0
 * @category operations
 */
export const modeNumber = ({ group, neighborsOnly }: ChannelMode): number => (group ? 1 : 0) | (neighborsOnly ? 2 : 0)

/** HKDF-Extract. */
const extract = (crypto: CryptoService, salt: Uint8Array, ...ikm: ReadonlyArray<Uint8Array>): Uint8Array =>
  crypto.hmacSha256(salt, concat(...ikm))

const FIRST_BLOCK = Uint8Array.of(1)

/** HKDF-Expand for at most 32 bytes: its first block. */
const expand = (
  crypto: CryptoService,
  key: Uint8Array,
  length: number,
  ...info: ReadonlyArray<Uint8Array>
): Uint8Array => crypto.hmacSha256(key, concat(...info, FIRST_BLOCK)).subarray(0, length)

let nextId = 0

/**
 * The keys of one minute, its epoch. Made by {@link MembersKeys.epoch}.
 *
 * @since 0.1.0
 * @category models
 */
export class EpochKeys {
  /** The minute since the Unix epoch, a u32. */
  readonly epoch: number
  /** 8 bytes that name topic and minute to a node that has the keys. */
  readonly doorTag: Uint8Array
  readonly #crypto: CryptoService
  readonly #key: Uint8Array
  readonly #door: Uint8Array
  readonly #sealKeys: BoundedMap<string, Uint8Array>
  /** Distinguishes the keys of two seeds for one minute in the shared cache. */
  readonly #id = nextId++

  /** @internal */
  constructor(crypto: CryptoService, epoch: number, key: Uint8Array, sealKeys: BoundedMap<string, Uint8Array>) {
    this.epoch = epoch
    this.doorTag = expand(crypto, key, 8, LABEL_DOOR_TAG)
    this.#crypto = crypto
    this.#key = key
    this.#door = expand(crypto, key, 32, LABEL_DOOR)
    this.#sealKeys = sealKeys
  }

  /** The MAC key of the door, 32 bytes. */
  get door(): Redacted.Redacted<Uint8Array> {
    return Redacted.make(this.#door, { label: "doorKey" })
  }

  /** HMAC-SHA256 under the door key. */
  doorMac(message: Uint8Array): Uint8Array {
    return this.#crypto.hmacSha256(this.#door, message)
  }

  /**
   * The key that seals the messages of an author's session in a channel. `stream` is author(32) ‖ session(8) ‖ channel tag(8), as the
   * three stand in an envelope.
   */
  sealKey(stream: Uint8Array): Uint8Array {
    const name = `${this.#id}:${toHex(stream)}`
    let key = this.#sealKeys.touch(name)
    if (key === undefined) {
      key = expand(this.#crypto, this.#key, 32, LABEL_SEAL, stream)
      this.#sealKeys.set(name, key)
    }
    return key
  }

  /** Whether both were derived from the same seed. Not constant-time: both are our own. */
  isSame(that: EpochKeys): boolean {
    return this.epoch === that.epoch && toHex(this.#key) === toHex(that.#key)
  }
}

/**
 * The keys of a members-only topic that do not change with the minute, and the place where those of a minute are derived.
 *
 * @since 0.1.0
 * @category models
 */
export class MembersKeys {
  /** The gossip topic: it can be named only with the secret, and it stays the same over rotations. */
  readonly gossipTopic: TopicId
  readonly #crypto: CryptoService
  readonly #root: Uint8Array
  readonly #channelKey: Uint8Array
  readonly #sealKeys = new BoundedMap<string, Uint8Array>(SEAL_KEYS)

  /** `secretHash` is that of `initialSecretHash`. */
  constructor(crypto: CryptoService, topic: TopicId, secretHash: Redacted.Redacted<Uint8Array>) {
    this.#crypto = crypto
    this.#root = extract(crypto, SALT, topic.bytes, Redacted.value(secretHash))
    this.#channelKey = expand(crypto, this.#root, 32, LABEL_CHANNEL)
    this.gossipTopic = TopicId.fromBytes(expand(crypto, this.#root, 32, LABEL_GOSSIP))
  }

  /**
   * The 8 bytes that stand for a channel on the wire. Throws a RangeError for a name of more than 64 bytes of UTF-8. The empty name is
   * that of `topic.broadcast` and of acknowledgements.
   */
  channelTag(name: string, mode: ChannelMode = { group: false, neighborsOnly: false }): Uint8Array {
    const bytes = utf8.encode(name)
    if (bytes.length > MAX_CHANNEL_NAME_BYTES) {
      throw new RangeError(`name: ${bytes.length} bytes of UTF-8; at most ${MAX_CHANNEL_NAME_BYTES}`)
    }
    const number = modeNumber(mode)
    const tag = this.#crypto.hmacSha256(this.#channelKey, concat(Uint8Array.of(number), bytes)).slice(0, 8)
    tag[0] = (tag[0]! & 0x3f) | (number << 6)
    return tag
  }

  /**
   * The keys of a minute. `rotationSeed` is the 32 bytes of the secret rotation for this minute. Throws a RangeError for another length,
   * and for a minute that is not a u32.
   */
  epoch(minute: number, rotationSeed: Redacted.Redacted<Uint8Array>): EpochKeys {
    const seed = Redacted.value(rotationSeed)
    if (seed.length !== 32) throw new RangeError(`rotationSeed: ${seed.length} bytes; a rotation gives 32`)
    if (!Number.isInteger(minute) || minute < 0 || minute > 0xffff_ffff) {
      throw new RangeError(`minute: ${minute}; an epoch is 0 to 2^32 - 1`)
    }
    const key = extract(this.#crypto, this.#root, seed, u32be(minute))
    return new EpochKeys(this.#crypto, minute, key, this.#sealKeys)
  }
}

const u32be = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
