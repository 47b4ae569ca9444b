/**
 * Makes records of the items that a slot of the DHT shows. Whoever knows a topic can put anything into its slots, so all that
 * is wrong with an item is an ordinary event: it is counted and dropped.
 */
import { BoundedMap, Bytes } from "@topic-tracker/common"
import { type Crypto, EncryptedRecord, Record, type SigningKey, type TopicId } from "@topic-tracker/crypto"
import type { MutableItem } from "@topic-tracker/dht"
import { Effect } from "effect"
import type { TopicRecord } from "./TopicRecord.ts"

/** What became of the items read. */
export interface ReaderStats {
  /** Distinct items read. */
  items: number
  /** Items that are no encrypted record, or hold a record that is for another topic or minute or not signed by its node. */
  invalid: number
  /** Well-formed items that this node's secret does not open: sealed with another secret or rotation, or altered. */
  unopened: number
  /** Verified records whose content the codec refused. */
  contentInvalid: number
}

/** Polls read a slot again and again: what an item was is remembered, for three minutes and as many full slots. */
const REMEMBERED = 60
const REMEMBERED_MINUTES = 3n

interface Remembered<A> {
  readonly unixMinute: bigint
  readonly encryptionKey: SigningKey
  readonly record: TopicRecord<A> | undefined
}

export class RecordReader<A> {
  readonly stats: ReaderStats = { items: 0, invalid: 0, unopened: 0, contentInvalid: 0 }
  readonly #topic: TopicId
  readonly #schema: Record.ContentSchema<A>
  readonly #remembered = new BoundedMap<string, Remembered<A>>(REMEMBERED)
  #newest = 0n
  #saidUnopened = false

  constructor(topic: TopicId, schema: Record.ContentSchema<A>) {
    this.#topic = topic
    this.#schema = schema
  }

  /** The record that the item held when it was read last, if that is remembered and it held one. */
  known(item: MutableItem): TopicRecord<A> | undefined {
    return this.#remembered.get(nameOf(item))?.record
  }

  /** The record that the item holds for this minute; undefined when it holds none. The encryption key is the minute's. */
  read(
    item: MutableItem,
    unixMinute: bigint,
    encryptionKey: SigningKey,
  ): Effect.Effect<TopicRecord<A> | undefined, never, Crypto> {
    const name = nameOf(item)
    const known = this.#remembered.get(name)
    // A rotation that changed may open today what it did not before.
    if (known !== undefined && known.encryptionKey === encryptionKey) return Effect.succeed(known.record)
    this.stats.items++
    return Effect.map(this.#open(item.value, unixMinute, encryptionKey), (record) => {
      if (unixMinute > this.#newest) this.#forgetBefore(unixMinute)
      this.#remembered.set(name, { unixMinute, encryptionKey, record })
      return record
    })
  }

  #open(value: Uint8Array, unixMinute: bigint, encryptionKey: SigningKey) {
    const drop = (kind: Exclude<keyof ReaderStats, "items">) =>
      Effect.sync(() => {
        this.stats[kind]++
        return undefined
      })
    const topic = this.#topic
    const schema = this.#schema
    return Effect.gen(function* () {
      const signed = yield* EncryptedRecord.openVerified(value, { encryptionKey, topic, unixMinute })
      const record: TopicRecord<A> = {
        unixMinute,
        endpointId: Record.endpointId(signed),
        content: yield* Record.content(signed, schema),
        bytes: Record.encode(signed),
      }
      return record
    }).pipe(
      Effect.catchTags({
        RecordMalformed: () => drop("invalid"),
        RecordRejected: () => drop("invalid"),
        RecordContentInvalid: () => drop("contentInvalid"),
        OpenError: () => Effect.andThen(this.#sayUnopened(), drop("unopened")),
      }),
    )
  }

  /** Said once: with a wrong secret it would be said of every item of every poll. */
  #sayUnopened(): Effect.Effect<void> {
    if (this.#saidUnopened) return Effect.void
    this.#saidUnopened = true
    return Effect.logDebug("a record does not open: its node has another secret or rotation, or it is no record").pipe(
      Effect.annotateLogs({ topic: this.#topic.hex }),
    )
  }

  #forgetBefore(unixMinute: bigint): void {
    this.#newest = unixMinute
    for (const [name, known] of this.#remembered) {
      if (known.unixMinute + REMEMBERED_MINUTES <= unixMinute) this.#remembered.delete(name)
    }
  }
}

/** The signature covers salt, seq and value; the salt is the minute's own. */
const nameOf = (item: MutableItem): string => Bytes.toHex(item.signature)
