/**
 * Opens and verifies the items of a topic's slots. Every node that knows the topic's name can put anything into its slots, so an invalid
 * item is an ordinary event: it is counted and dropped.
 */
import { BoundedMap, Bytes } from "@topic-tracker/common"
import { type Crypto, EncryptedRecord, Record, type SigningKey, type TopicId } from "@topic-tracker/crypto"
import type { MutableItem } from "@topic-tracker/dht"
import { Effect } from "effect"
import type { TopicRecord } from "./TopicRecord.ts"

/**
 * Counters of the items read.
 *
 * @since 0.1.0
 */
export interface ReaderStats {
  /** Distinct items read. */
  items: number
  /** Items that are no encrypted record, or hold a record of another topic or minute, or one with an invalid signature. */
  invalid: number
  /** Well-formed items that this node's secret does not open: sealed with another secret or rotation, or changed. */
  unopened: number
  /** Verified records whose content the codec or `accepts` refuses. */
  contentInvalid: number
}

/** Polls read a slot again and again. So the record of an item is remembered for three minutes, up to three full slots. */
const MAX_REMEMBERED = 60
const REMEMBERED_MINUTES = 3n

/** The content of an item: a record; `garbage`, which no member made; or `unreadable`, a member's record whose content is refused. */
export type ItemContent<A> = TopicRecord<A> | "garbage" | "unreadable"

interface Remembered<A> {
  readonly unixMinute: bigint
  readonly encryptionKey: SigningKey
  readonly content: ItemContent<A>
}

export class RecordReader<A> {
  readonly stats: ReaderStats = { items: 0, invalid: 0, unopened: 0, contentInvalid: 0 }
  readonly #topic: TopicId
  readonly #schema: Record.ContentSchema<A>
  readonly #accepts: ((content: A) => Effect.Effect<boolean>) | undefined
  readonly #remembered = new BoundedMap<string, Remembered<A>>(MAX_REMEMBERED)
  #newestMinute = 0n
  #hasLoggedUnopened = false

  constructor(topic: TopicId, schema: Record.ContentSchema<A>, accepts?: (content: A) => Effect.Effect<boolean>) {
    this.#accepts = accepts
    this.#topic = topic
    this.#schema = schema
  }

  /** The record of an item that was read before; undefined if the item is unknown or held no record. */
  knownRecord(item: MutableItem): TopicRecord<A> | undefined {
    const content = this.#remembered.get(nameOf(item))?.content
    return typeof content === "object" ? content : undefined
  }

  /** The content of the item. The encryption key is that of the minute. */
  read(item: MutableItem, unixMinute: bigint, encryptionKey: SigningKey): Effect.Effect<ItemContent<A>, never, Crypto> {
    const name = nameOf(item)
    const known = this.#remembered.get(name)
    // After a change of the rotation an item may open that did not before.
    if (known !== undefined && known.encryptionKey === encryptionKey) return Effect.succeed(known.content)
    this.stats.items++
    return Effect.map(this.#open(item.value, unixMinute, encryptionKey), (content) => {
      if (unixMinute > this.#newestMinute) this.#forgetBefore(unixMinute)
      this.#remembered.set(name, { unixMinute, encryptionKey, content })
      return content
    })
  }

  #open(value: Uint8Array, unixMinute: bigint, encryptionKey: SigningKey) {
    const drop = (kind: Exclude<keyof ReaderStats, "items">) =>
      Effect.sync((): ItemContent<A> => {
        this.stats[kind]++
        return kind === "contentInvalid" ? "unreadable" : "garbage"
      })
    const topic = this.#topic
    const schema = this.#schema
    const accepts = this.#accepts
    return Effect.gen(function* () {
      const signed = yield* EncryptedRecord.openVerified(value, { encryptionKey, topic, unixMinute })
      const record: TopicRecord<A> = {
        unixMinute,
        endpointId: Record.endpointId(signed),
        content: yield* Record.content(signed, schema),
        bytes: Record.encode(signed),
      }
      if (accepts !== undefined && !(yield* accepts(record.content))) return yield* drop("contentInvalid")
      return record as ItemContent<A>
    }).pipe(
      Effect.catchTags({
        RecordMalformed: () => drop("invalid"),
        RecordRejected: () => drop("invalid"),
        RecordContentInvalid: () => drop("contentInvalid"),
        OpenError: () => Effect.andThen(this.#logUnopened(), drop("unopened")),
      }),
    )
  }

  /** Logs once: with a wrong secret no item of any poll opens. */
  #logUnopened(): Effect.Effect<void> {
    if (this.#hasLoggedUnopened) return Effect.void
    this.#hasLoggedUnopened = true
    return Effect.logDebug("a record does not open: its node has another secret or rotation, or it is no record").pipe(
      Effect.annotateLogs({ package: "@topic-tracker/core", topic: this.#topic.hex }),
    )
  }

  #forgetBefore(unixMinute: bigint): void {
    this.#newestMinute = unixMinute
    for (const [name, known] of this.#remembered) {
      if (known.unixMinute + REMEMBERED_MINUTES <= unixMinute) this.#remembered.delete(name)
    }
  }
}

/** A key for the item: the signature covers salt, seq and value, and every minute has its own salt. */
const nameOf = (item: MutableItem): string => Bytes.toHex(item.signature)
