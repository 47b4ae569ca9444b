/**
 * Makes records of the items that a slot of the DHT shows. Whoever knows a topic can put anything into its slots, so all that
 * is wrong with an item is an ordinary event: it is counted and dropped.
 */
import { Bytes, type Crypto, EncryptedRecord, Record, type SigningKey, type TopicId } from "@topic-tracker/crypto"
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

export interface RecordReader<A> {
  readonly stats: Readonly<ReaderStats>
  /** The record that the item held when it was read last, if that is remembered and it held one. */
  readonly known: (item: MutableItem) => TopicRecord<A> | undefined
  /** The record that the item holds for this minute; undefined when it holds none. The encryption key is the minute's. */
  readonly read: (
    item: MutableItem,
    unixMinute: bigint,
    encryptionKey: SigningKey,
  ) => Effect.Effect<TopicRecord<A> | undefined, never, Crypto>
}

/** Polls read a slot again and again: what an item was is remembered, for three minutes and as many full slots. */
const REMEMBERED = 60
const REMEMBERED_MINUTES = 3n

interface Remembered<A> {
  readonly unixMinute: bigint
  readonly encryptionKey: SigningKey
  readonly record: TopicRecord<A> | undefined
}

export const make = <A>(topic: TopicId, schema: Record.ContentSchema<A>): RecordReader<A> => {
  const stats: ReaderStats = { items: 0, invalid: 0, unopened: 0, contentInvalid: 0 }
  const remembered = new Map<string, Remembered<A>>()
  let newest = 0n
  let saidUnopened = false

  const drop = (kind: Exclude<keyof ReaderStats, "items">) =>
    Effect.sync(() => {
      stats[kind]++
      return undefined
    })

  /** Said once: with a wrong secret it would be said of every item of every poll. */
  const sayUnopened = Effect.suspend(() => {
    if (saidUnopened) return Effect.void
    saidUnopened = true
    return Effect.logDebug("a record does not open: its node has another secret or rotation, or it is no record").pipe(
      Effect.annotateLogs({ topic: topic.hex }),
    )
  })

  const open = Effect.fnUntraced(
    function* (value: Uint8Array, unixMinute: bigint, encryptionKey: SigningKey) {
      const signed = yield* EncryptedRecord.openVerified(value, { encryptionKey, topic, unixMinute })
      const content = yield* Record.content(signed, schema)
      const record: TopicRecord<A> = {
        unixMinute,
        endpointId: Record.endpointId(signed),
        content,
        bytes: Record.encode(signed),
      }
      return record
    },
    Effect.catchTags({
      RecordMalformed: () => drop("invalid"),
      RecordRejected: () => drop("invalid"),
      RecordContentInvalid: () => drop("contentInvalid"),
      OpenError: () => Effect.andThen(sayUnopened, drop("unopened")),
    }),
  )

  const read = Effect.fnUntraced(function* (item: MutableItem, unixMinute: bigint, encryptionKey: SigningKey) {
    const name = nameOf(item)
    const known = remembered.get(name)
    // A rotation that changed may open today what it did not before.
    if (known !== undefined && known.encryptionKey === encryptionKey) return known.record
    stats.items++
    const record = yield* open(item.value, unixMinute, encryptionKey)
    if (unixMinute > newest) forgetBefore(unixMinute)
    remembered.delete(name)
    remembered.set(name, { unixMinute, encryptionKey, record })
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!)
    return record
  })

  const forgetBefore = (unixMinute: bigint): void => {
    newest = unixMinute
    for (const [name, known] of remembered) {
      if (known.unixMinute + REMEMBERED_MINUTES <= unixMinute) remembered.delete(name)
    }
  }

  return { stats, known: (item) => remembered.get(nameOf(item))?.record, read }
}

/** The signature covers salt, seq and value; the salt is the minute's own. */
const nameOf = (item: MutableItem): string => Bytes.toHex(item.signature)
