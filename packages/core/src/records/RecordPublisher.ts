/**
 * Puts this node's signed and sealed records into a topic's minute slots of the DHT, and reads those of other nodes. It does not know
 * gossip: the user's Schema decides the content of a record.
 *
 * Source: the Rust crate distributed-topic-tracker 0.3.5 (the crate), `src/crypto/record.rs` (`RecordPublisher`) and `src/dht.rs`.
 */
import {
  type ClockBeforeEpoch,
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
import { Duration, Effect, Random, type Redacted, Result, Schedule, Stream } from "effect"
import { defaults, type TopicConfig } from "../config/TopicConfig.ts"
import { type KeysOfMinute, makeMinuteKeys } from "./minuteKeys.ts"
import { type ReaderStats, RecordReader } from "./RecordReader.ts"
import { monotonicMillis, readSlot, readSlotWith, type SlotParts } from "./readSlot.ts"
import { SecondSlot, type SecondSlotReason, type SlotEvent } from "./SecondSlot.ts"
import type { TopicRecord } from "./TopicRecord.ts"

export type { SecondSlotReason, SlotEvent, TopicRecord }

/**
 * The maximum size of a record's content, in bytes after encoding.
 *
 * @since 0.1.0
 * @category operations
 */
export const maxContentBytes = EncryptedRecord.MAX_CONTENT_BYTES

/**
 * The result of `publish`.
 *
 * @since 0.1.0
 * @category models
 */
export type PublishOutcome<A> =
  /** `second`: present if the second slot is used and holds it too. */
  | { readonly _tag: "Published"; readonly receipt: PutReceipt; readonly second?: PutReceipt }
  /** The public slot refused it or failed, for this reason; the second slot holds it. */
  | { readonly _tag: "PublishedSecond"; readonly second: PutReceipt; readonly reason: DhtError }
  /** The public slot holds `bootstrap.maxBootstrapRecords` records of other nodes already, so nothing was put there. */
  | { readonly _tag: "Skipped"; readonly records: ReadonlyArray<TopicRecord<A>>; readonly second?: PutReceipt }

/**
 * The reason why nothing was published: the DHT failed, or the record was not made by `newRecord`.
 *
 * @since 0.1.0
 * @category errors
 */
export type PublishError = DhtError | RecordTooLarge | RecordMalformed

/**
 * Counters since the publisher was made.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordStats extends Readonly<ReaderStats> {
  readonly published: number
  readonly skipped: number
  /** Failed puts, also those that are tried again. */
  readonly putFailures: number
  /** Records put into the second slot. */
  readonly publishedSecond: number
  /** Records that the DHT confirmed, but that no lookup found. */
  readonly hidden: number
}

/**
 * Options of `publish`. `onStored` is that of `Dht.put`.
 *
 * @since 0.1.0
 * @category options
 */
export interface PublishOptions<A> extends Pick<PutRequest, "onStored"> {
  /** Records of that minute that were just read. Without them, `publish` reads the slot first. */
  readonly known?: ReadonlyArray<TopicRecord<A>> | undefined
  /** Whether a record of another node counts for `bootstrap.maxBootstrapRecords`. Default: every one does. */
  readonly counts?: (record: TopicRecord<A>) => boolean
}

/**
 * The records of one topic in the DHT, with content of type `A`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordPublisher<A> {
  readonly topic: TopicId
  readonly endpointId: EndpointId.EndpointId
  /** The current minute, by the Clock. */
  readonly unixMinute: Effect.Effect<bigint, ClockBeforeEpoch>
  /** A signed record of this node for the minute, a u64. Fails if the codec refuses the content or no DHT item can hold it. */
  readonly newRecord: (
    unixMinute: bigint,
    content: A,
  ) => Effect.Effect<TopicRecord<A>, RecordContentInvalid | RecordTooLarge>
  /**
   * Seals the record and puts it into its minute's slot, unless the slot already holds `bootstrap.maxBootstrapRecords` records of other
   * nodes. A failed put is tried again by `dht.retries`. While the second slot is used, the record is put there too, by the same rule.
   */
  readonly publish: (
    record: TopicRecord<A>,
    options?: PublishOptions<A>,
  ) => Effect.Effect<PublishOutcome<A>, PublishError>
  /**
   * The records of a minute, each as soon as its DHT item arrives: opened and verified, one for each node, without this node's own. Ends
   * with the DHT lookup, or after `dht.getTimeout`. The options are those of `Dht.get`.
   */
  readonly records: (unixMinute: bigint, options?: GetOptions) => Stream.Stream<TopicRecord<A>, DhtError>
  /** Runs `f` with each of `records`, one after another. Without records it costs a fraction of the stream. */
  readonly forEachRecord: <R>(
    unixMinute: bigint,
    f: (record: TopicRecord<A>) => Effect.Effect<unknown, never, R>,
    options?: GetOptions,
  ) => Effect.Effect<void, DhtError, R>
  /** All of `records`, once they have ended. */
  readonly recordsArray: (unixMinute: bigint) => Effect.Effect<ReadonlyArray<TopicRecord<A>>, DhtError>
  /** Whether the second slot is used now: something is wrong with the public one. */
  readonly usesSecondSlot: Effect.Effect<boolean>
  /** Whether the second slot is used, but this publisher has put no record of the minute there. */
  readonly lacksSecondRecord: (unixMinute: bigint) => Effect.Effect<boolean>
  readonly stats: Effect.Effect<RecordStats>
}

/**
 * The options that {@link make} and {@link makeFromKeys} have in common.
 *
 * @since 0.1.0
 * @category options
 */
export interface CommonOptions<A> {
  readonly topic: TopicId
  /** The Schema that encodes content to bytes, at most {@link maxContentBytes} of them. */
  readonly content: Record.ContentSchema<A>
  /** Default: the defaults. Only `bootstrap.maxBootstrapRecords` and `dht` are used. */
  readonly config?: TopicConfig
  /** Runs when the second slot comes into use or no longer is, and when our record is hidden. */
  readonly onSlotEvent?: (event: SlotEvent) => Effect.Effect<void>
  /**
   * Whether a record of another node is one of this topic. Runs once for each record that opens. One that it refuses is passed over, and
   * counts as `contentInvalid`. Default: all are.
   */
  readonly accepts?: (content: A) => Effect.Effect<boolean>
}

/**
 * Options of {@link make}.
 *
 * @since 0.1.0
 * @category options
 */
export interface RecordPublisherOptions<A> extends CommonOptions<A> {
  /** Shared by all nodes that read the records; a string counts as its UTF-8 bytes. Hashed at once and not kept. */
  readonly secret: Redacted.Redacted<string | Uint8Array>
}

/**
 * The maximum seq (BEP 44: a signed 64-bit integer). All records of a slot have it, so that no node's record replaces another's by its
 * seq.
 *
 * @since 0.1.0
 * @category constants
 */
export const SEQ = 2n ** 63n - 1n

/**
 * A publisher of records for the topic, signed by the node's Identity.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* <A>({
  secret,
  ...options
}: RecordPublisherOptions<A>): Effect.fn.Return<RecordPublisher<A>, never, Dht | Crypto | SecretRotation | Identity> {
  return yield* makeFromKeys({ ...options, keysOf: yield* makeMinuteKeys(options.topic, initialSecretHash(secret)) })
})

/**
 * Like {@link make}, with the keys of the topic's minutes in place of the secret.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFromKeys = Effect.fnUntraced(function* <A>(
  options: CommonOptions<A> & { readonly keysOf: KeysOfMinute },
): Effect.fn.Return<RecordPublisher<A>, never, Dht | Crypto | Identity> {
  const { topic, content: schema, config = defaults, keysOf, onSlotEvent = () => Effect.void } = options
  const identity = yield* Identity
  const parts: Parts<A> = {
    topic,
    schema,
    config,
    crypto: yield* Crypto,
    dht: yield* Dht,
    identity,
    keysOf,
    reader: new RecordReader(topic, schema, options.accepts),
    secondSlot: new SecondSlot(),
    onSlotEvent,
    puts: { published: 0, publishedSecond: 0, skipped: 0, putFailures: 0 },
  }
  const records: RecordPublisher<A>["records"] = (unixMinute, options) => readSlot(parts, unixMinute, options)
  return {
    topic,
    endpointId: identity.endpointId,
    unixMinute: currentMinute,
    newRecord: (unixMinute, content) => newRecord(parts, unixMinute, content),
    publish: (record, options) => publish(parts, record, options),
    records,
    forEachRecord: (unixMinute, f, options) => readSlotWith(parts, unixMinute, f, options),
    recordsArray: Effect.fn("RecordPublisher.recordsArray")((unixMinute: bigint) =>
      Stream.runCollect(records(unixMinute)),
    ),
    usesSecondSlot: Effect.map(monotonicMillis, (now) => parts.secondSlot.isUsed(now)),
    lacksSecondRecord: (unixMinute) =>
      Effect.map(monotonicMillis, (now) => parts.secondSlot.lacksRecord(unixMinute, now)),
    stats: Effect.sync(() => ({ ...parts.reader.stats, ...parts.puts, hidden: parts.secondSlot.hiddenCount })),
  }
})

/** The parts of a publisher. Its functions are shared by all topics: a process may hold hundreds. */
interface Parts<A> extends SlotParts<A> {
  readonly topic: TopicId
  readonly schema: Record.ContentSchema<A>
  readonly puts: { published: number; publishedSecond: number; skipped: number; putFailures: number }
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
  { counts = () => true, known, onStored }: PublishOptions<A> = {},
): Effect.fn.Return<PublishOutcome<A>, PublishError> {
  const { config, crypto, keysOf, puts, secondSlot } = parts
  const { unixMinute } = record
  const limit = config.bootstrap.maxBootstrapRecords
  const others = known ?? (limit === 0 ? [] : yield* readUntilFull(parts, unixMinute, limit, counts))
  const counted = others.filter(counts)
  const isFull = (slot?: "second") => counted.filter((other) => other.slot === slot).length >= limit
  const toPublic = !isFull()
  const toSecond = !isFull("second") && secondSlot.isUsed(yield* monotonicMillis)
  if (!toPublic) puts.skipped++
  if (!toPublic && !toSecond) return { _tag: "Skipped", records: others }
  const signed = yield* Effect.fromResult(Record.decode(record.bytes))
  const keys = keysOf(unixMinute)
  const value = yield* EncryptedRecord.seal(signed, yield* keys.encryption).pipe(
    Effect.provideService(Crypto, crypto),
    // The recipient's key is derived from a seed, so it is always a point of the curve.
    Effect.catchTag("SealError", Effect.die),
  )
  const intoPublic = Effect.gen(function* () {
    const receipt = yield* put(parts, keys.dht, value, onStored)
    puts.published++
    secondSlot.storedPublic(unixMinute, yield* monotonicMillis)
    return receipt
  })
  if (!toSecond) return { _tag: "Published", receipt: yield* intoPublic }
  const intoSecond = Effect.suspend(() => put(parts, keys.secondDht, value, onStored)).pipe(
    Effect.tap(() =>
      Effect.sync(() => {
        puts.publishedSecond++
        secondSlot.storedSecond(unixMinute)
      }),
    ),
    Effect.result,
  )
  if (!toPublic) {
    const second = yield* intoSecond
    return { _tag: "Skipped", records: others, ...(Result.isSuccess(second) ? { second: second.success } : {}) }
  }
  const [first, second] = yield* Effect.all([Effect.result(intoPublic), intoSecond], { concurrency: 2 })
  if (Result.isSuccess(first)) {
    return {
      _tag: "Published",
      receipt: first.success,
      ...(Result.isSuccess(second) ? { second: second.success } : {}),
    }
  }
  if (Result.isFailure(second)) return yield* Effect.fail(first.failure)
  return { _tag: "PublishedSecond", second: second.success, reason: first.failure }
})

/** The records of a minute, until the public slot is known to be full: then the lookup can stop. */
const readUntilFull = <A>(
  parts: Parts<A>,
  unixMinute: bigint,
  limit: number,
  counts: (record: TopicRecord<A>) => boolean,
) => {
  let count = 0
  return readSlot(parts, unixMinute).pipe(
    Stream.takeUntil((record) => record.slot === undefined && counts(record) && ++count >= limit),
    Stream.runCollect,
  )
}

const put = <A>(
  { config, dht, puts }: Parts<A>,
  { signingKey, salt }: DhtKeys,
  value: Uint8Array,
  onStored: PutRequest["onStored"],
) => {
  // Without cas, which the crate sends. The seq is the maximum, so cas could only hurt: a node where a stranger has put an item with a lower
  // seq would refuse ours, and a few other nodes that store it would hide that.
  return dht.put({ key: signingKey, salt, seq: SEQ, value, onStored }).pipe(
    Effect.timeoutOrElse({ duration: config.dht.putTimeout, orElse: () => Effect.fail(putTimedOut) }),
    Effect.tapError(() => Effect.sync(() => puts.putFailures++)),
    Effect.retry({ schedule: retrySchedule(config.dht), while: isTransient }),
    Effect.withSpan("RecordPublisher.put", undefined, { captureStackTrace: false }),
  )
}

const putTimedOut = new DhtError({ reason: "Timeout", message: "the put took longer than dht.putTimeout" })

/** Whether another try may succeed. Nodes that keep the first item of a seq refuse every other item until the minute is over. */
const isTransient = ({ reason }: DhtError): boolean => reason === "NoNodes" || reason === "Timeout"

/** `retries` pauses, each the base interval plus a random share of the jitter. */
const retrySchedule = (dht: TopicConfig["dht"]) =>
  Schedule.max([
    Schedule.recurs(dht.retries),
    Schedule.spaced(dht.baseRetryInterval).pipe(
      Schedule.addDelay(() => Random.nextIntBetween(0, Math.round(Duration.toMillis(dht.maxRetryJitter)))),
    ),
  ])
