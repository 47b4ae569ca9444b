/**
 * Puts this node's signed and sealed records into a topic's minute slots of the DHT, and reads those of others. It knows
 * nothing of gossip: the content of a record is whatever the user's codec makes of it.
 *
 * Source: distributed-topic-tracker 0.3.5 `src/crypto/record.rs` (`RecordPublisher`) and `src/dht.rs`.
 */
import {
  Crypto,
  unixMinute as currentMinute,
  type DhtKeys,
  EncryptedRecord,
  type EndpointId,
  Identity,
  initialSecretHash,
  Record,
  type RecordContentInvalid,
  type RecordMalformed,
  RecordTooLarge,
  type SecretRotation,
  type TopicId,
} from "@topic-tracker/crypto"
import { Dht, DhtError, type GetOptions, type PutReceipt, type PutRequest } from "@topic-tracker/dht"
import { Duration, Effect, Random, type Redacted, Schedule, Stream } from "effect"
import { defaults, type TopicConfig } from "../config/TopicConfig.ts"
import * as MinuteKeys from "./minuteKeys.ts"
import { type ReaderStats, RecordReader } from "./RecordReader.ts"
import * as Slot from "./Slot.ts"
import type { TopicRecord } from "./TopicRecord.ts"

export type { TopicRecord }

/** The largest content of a record, in bytes as the codec makes them. */
export const maxContentBytes = EncryptedRecord.MAX_CONTENT_BYTES

/** What became of a record handed to `publish`. */
export type PublishOutcome<A> =
  | { readonly _tag: "Published"; readonly receipt: PutReceipt }
  /** The slot already shows as many records as the configuration wants of others; nothing was put. */
  | { readonly _tag: "Skipped"; readonly records: ReadonlyArray<TopicRecord<A>> }

/** Why nothing was published: the DHT failed, or the record is not one that `newRecord` makes. */
export type PublishError = DhtError | RecordTooLarge | RecordMalformed

/** Counters since the publisher was made. */
export interface RecordStats extends Readonly<ReaderStats> {
  readonly published: number
  readonly skipped: number
  /** Puts that failed, whether tried again or not. */
  readonly putFailures: number
}

/** `onStored` is that of `Dht.put`. */
export interface PublishOptions<A> extends Pick<PutRequest, "onStored"> {
  /** Records of that minute just read, which spares the reading. */
  readonly known?: ReadonlyArray<TopicRecord<A>> | undefined
}

/** One topic's records in the DHT, with content of type `A`: made and published for this node, read of others. */
export interface RecordPublisher<A> {
  readonly topic: TopicId
  readonly endpointId: EndpointId.EndpointId
  /** The current minute, by the Clock. */
  readonly unixMinute: Effect.Effect<bigint>
  /** A signed record of this node for the minute, a u64. Content that no DHT item can carry is refused here. */
  readonly newRecord: (
    unixMinute: bigint,
    content: A,
  ) => Effect.Effect<TopicRecord<A>, RecordContentInvalid | RecordTooLarge>
  /**
   * Seals the record and puts it into its minute's slot, unless the slot already shows `bootstrap.maxBootstrapRecords`
   * records of others. The slot is read first, unless the options say what it shows.
   */
  readonly publish: (
    record: TopicRecord<A>,
    options?: PublishOptions<A>,
  ) => Effect.Effect<PublishOutcome<A>, PublishError>
  /**
   * The records of a minute, each the moment its DHT item arrives: opened, verified, this node's own left out, one for each
   * node. Ends with the DHT's walk, or with what there is after `dht.getTimeout`. The options are those of `Dht.get`.
   */
  readonly records: (unixMinute: bigint, options?: GetOptions) => Stream.Stream<TopicRecord<A>, DhtError>
  /** Runs `f` with each of `records`, in turn. It costs a fraction of the stream where there are none. */
  readonly forEachRecord: <R>(
    unixMinute: bigint,
    f: (record: TopicRecord<A>) => Effect.Effect<unknown, never, R>,
    options?: GetOptions,
  ) => Effect.Effect<void, DhtError, R>
  /** All of `records`, once they have ended. */
  readonly recordsArray: (unixMinute: bigint) => Effect.Effect<ReadonlyArray<TopicRecord<A>>, DhtError>
  readonly stats: Effect.Effect<RecordStats>
}

/** Whose records, how they are sealed, and what they hold. */
export interface RecordPublisherOptions<A> {
  readonly topic: TopicId
  /** What all who should read the records share; a string counts as its UTF-8 bytes. */
  readonly secret: Redacted.Redacted<string | Uint8Array>
  /** How content becomes bytes, at most {@link maxContentBytes} of them. */
  readonly content: Record.ContentSchema<A>
  /** The defaults when left out. Only `bootstrap.maxBootstrapRecords` and `dht` are read. */
  readonly config?: TopicConfig
}

/**
 * The highest seq there is (BEP 44: a signed 64-bit integer). All records of a slot have it, so that no node's record
 * supersedes another's by its seq.
 */
export const SEQ = 2n ** 63n - 1n

/** A publisher of records for the topic, signed by the node's Identity. */
export const make = Effect.fnUntraced(function* <A>(
  options: RecordPublisherOptions<A>,
): Effect.fn.Return<RecordPublisher<A>, never, Dht | Crypto | SecretRotation | Identity> {
  const { topic, content: schema, config = defaults } = options
  const identity = yield* Identity
  const parts: Parts<A> = {
    topic,
    schema,
    config,
    crypto: yield* Crypto,
    dht: yield* Dht,
    identity,
    keysOf: yield* MinuteKeys.make(topic, initialSecretHash(options.secret)),
    reader: new RecordReader(topic, schema),
    puts: { published: 0, skipped: 0, putFailures: 0 },
  }
  const records: RecordPublisher<A>["records"] = (unixMinute, options) => Slot.records(parts, unixMinute, options)
  return {
    topic,
    endpointId: identity.endpointId,
    unixMinute: currentMinute,
    newRecord: (unixMinute, content) => newRecord(parts, unixMinute, content),
    publish: (record, options) => publish(parts, record, options),
    records,
    forEachRecord: (unixMinute, f, options) => Slot.forEachRecord(parts, unixMinute, f, options),
    recordsArray: (unixMinute) => Stream.runCollect(records(unixMinute)),
    stats: Effect.sync(() => ({ ...parts.reader.stats, ...parts.puts })),
  }
})

/** What a publisher is made of. Its functions are not made anew for each topic: a process may hold hundreds. */
interface Parts<A> extends Slot.SlotParts<A> {
  readonly topic: TopicId
  readonly schema: Record.ContentSchema<A>
  readonly puts: { published: number; skipped: number; putFailures: number }
}

const newRecord = Effect.fn("RecordPublisher.newRecord")(function* <A>(
  { topic, schema, identity, crypto }: Parts<A>,
  unixMinute: bigint,
  content: A,
) {
  const signed = yield* Record.sign({ topic, unixMinute, schema, content, signingKey: identity.signingKey }).pipe(
    Effect.provideService(Crypto, crypto),
  )
  const contentSize = signed.content.length
  if (contentSize > maxContentBytes) {
    return yield* new RecordTooLarge({ contentSize, maxContentSize: maxContentBytes })
  }
  const record: TopicRecord<A> = {
    unixMinute,
    endpointId: identity.endpointId,
    content,
    bytes: Record.encode(signed),
  }
  return record
})

const publish = Effect.fn("RecordPublisher.publish")(function* <A>(
  parts: Parts<A>,
  record: TopicRecord<A>,
  { known, onStored }: PublishOptions<A> = {},
): Effect.fn.Return<PublishOutcome<A>, PublishError> {
  const { config, crypto, keysOf, puts } = parts
  const limit = config.bootstrap.maxBootstrapRecords
  // As many as matter: the walk need not end once the slot is known to be full.
  const others = known ?? (yield* Slot.records(parts, record.unixMinute).pipe(Stream.take(limit), Stream.runCollect))
  if (others.length >= limit) {
    puts.skipped++
    return { _tag: "Skipped", records: others }
  }
  const signed = yield* Effect.fromResult(Record.decode(record.bytes))
  const keys = keysOf(record.unixMinute)
  const value = yield* EncryptedRecord.seal(signed, yield* keys.encryption).pipe(
    Effect.provideService(Crypto, crypto),
    // The recipient is a key pair derived from a seed, which is always a point of the curve.
    Effect.catchTag("SealError", Effect.die),
  )
  const receipt = yield* put(parts, keys.dht, value, onStored)
  puts.published++
  return { _tag: "Published", receipt }
})

const put = <A>(
  { config, dht, puts }: Parts<A>,
  { signingKey, salt }: DhtKeys,
  value: Uint8Array,
  onStored: PutRequest["onStored"],
) => {
  const request = { key: signingKey, salt, seq: SEQ, value, onStored }
  // As the reference puts it. An item of a lower seq, which only a stranger puts there, would make all nodes refuse that;
  // without cas it is superseded.
  return dht.put({ ...request, cas: SEQ }).pipe(
    Effect.catchIf(isRejected, () => dht.put(request)),
    Effect.timeoutOrElse({ duration: config.dht.putTimeout, orElse: () => Effect.fail(putTimedOut) }),
    Effect.tapError(() => Effect.sync(() => puts.putFailures++)),
    Effect.retry({ schedule: retrySchedule(config.dht), while: isPassing }),
  )
}

const putTimedOut = new DhtError({ reason: "Timeout", message: "the put took longer than dht.putTimeout" })

const isRejected = ({ reason }: DhtError): boolean => reason === "Rejected"

/** Whether another try may succeed. Nodes that keep the first item of a seq refuse every other until the minute is over. */
const isPassing = ({ reason }: DhtError): boolean => reason === "NoNodes" || reason === "Timeout"

/** `retries` pauses, each the base interval and a random share of the jitter. */
const retrySchedule = (dht: TopicConfig["dht"]) =>
  Schedule.max([
    Schedule.recurs(dht.retries),
    Schedule.spaced(dht.baseRetryInterval).pipe(
      Schedule.addDelay(() => Random.nextIntBetween(0, Math.round(Duration.toMillis(dht.maxRetryJitter)))),
    ),
  ])
