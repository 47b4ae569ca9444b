/**
 * Puts this node's signed and sealed records into a topic's minute slots of the DHT, and reads those of others. It knows
 * nothing of gossip: the content of a record is whatever the user's codec makes of it.
 */
import type { Crypto, EndpointId, Identity, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { Dht, DhtError, PutReceipt } from "@topic-tracker/dht"
import { Effect, type Redacted, Schema, type Stream } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"

/** A record whose signature, topic and minute held, and whose content the codec understood. */
export interface TopicRecord<A> {
  /** Whole minutes since the Unix epoch: the slot it belongs to. */
  readonly unixMinute: bigint
  /** The node that signed it: the peer to dial. */
  readonly endpointId: EndpointId.EndpointId
  readonly content: A
  /** The signed record as it is on the wire before it is sealed. */
  readonly bytes: Uint8Array
}

/** What became of a record handed to `publish`. */
export type PublishOutcome<A> =
  | { readonly _tag: "Published"; readonly receipt: PutReceipt }
  /** The slot already shows as many records as the configuration wants of others; nothing was put. */
  | { readonly _tag: "Skipped"; readonly records: ReadonlyArray<TopicRecord<A>> }

/** The record could not be made: its content does not encode, or is larger than a DHT item carries. Nothing was put. */
export class RecordError extends Schema.TaggedError<RecordError>()("RecordError", {
  reason: Schema.Literals(["ContentTooLarge", "ContentInvalid", "MinuteInvalid", "KeyInvalid"]),
  message: Schema.String,
}) {}

/** Counters since the publisher was made. */
export interface RecordStats {
  /** Distinct DHT items read. */
  readonly items: number
  /** Records handed out. */
  readonly records: number
  /** Items that could not be opened with this node's secret: garbage, or a secret or rotation that differs. */
  readonly unopened: number
  /** Items that opened, and whose record was malformed, for another topic or minute, or badly signed. */
  readonly invalid: number
  /** Verified records whose content the codec refused. */
  readonly contentInvalid: number
  readonly published: number
  readonly skipped: number
  /** Puts that failed and were tried again. */
  readonly retries: number
}

export interface RecordPublisher<A> {
  readonly topic: TopicId
  readonly endpointId: EndpointId.EndpointId
  /** The current minute, by the Clock. */
  readonly unixMinute: Effect.Effect<bigint>
  /** A signed record of this node for the minute. Content that no DHT item can carry is refused here. */
  readonly newRecord: (unixMinute: bigint, content: A) => Effect.Effect<TopicRecord<A>, RecordError>
  /**
   * Seals the record and puts it into its minute's slot, unless the slot already shows `bootstrap.maxBootstrapRecords`
   * records of others. The slot is read first; `known` are records of that minute just read, which spares the reading.
   */
  readonly publish: (
    record: TopicRecord<A>,
    options?: { readonly known?: ReadonlyArray<TopicRecord<A>> },
  ) => Effect.Effect<PublishOutcome<A>, RecordError | DhtError>
  /**
   * The records of a minute, each the moment its DHT item arrives: opened, verified, this node's own left out, one for each
   * node. Ends with the DHT walk.
   */
  readonly records: (unixMinute: bigint) => Stream.Stream<TopicRecord<A>, DhtError>
  /** All of {@link records}, once the walk has ended. */
  readonly recordsArray: (unixMinute: bigint) => Effect.Effect<ReadonlyArray<TopicRecord<A>>, DhtError>
  readonly stats: Effect.Effect<RecordStats>
}

export interface RecordPublisherOptions<A> {
  readonly topic: TopicId
  /** What all who should read the records share; a string counts as its UTF-8 bytes. */
  readonly secret: Redacted.Redacted<string | Uint8Array>
  /** How content becomes bytes, at most {@link maxContentBytes} of them. */
  readonly content: Schema.Codec<A, Uint8Array>
  /** Defaults for what is left out. Only `bootstrap.maxBootstrapRecords` and `dht` are read. */
  readonly config?: TopicConfig
}

/** A publisher of records for the topic, signed by the node's Identity. */
export const make = <A>(
  _options: RecordPublisherOptions<A>,
): Effect.Effect<RecordPublisher<A>, never, Dht | Crypto | SecretRotation | Identity> =>
  Effect.die("under construction")
