/**
 * The protocol's parameters, with the defaults of iroh-gossip 0.101. They should be the same on every node of a network.
 * Sizes are bytes. Users give durations as any `Duration.Input` (`shuffleInterval`); the schema converts them once to the plain
 * milliseconds that the state machine reads (`shuffleIntervalMs`).
 *
 * Papers: HyParView (Leitão, Pereira, Rodrigues, DSN 2007), PlumTree ("Epidemic Broadcast Trees", the same, SRDS 2007).
 */
import { MillisFromInput } from "@topic-tracker/common"
import { type Duration, Effect, Schema } from "effect"

const atLeast = (minimum: number) => Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum))
const count = atLeast(0)
const hops = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const millis = MillisFromInput.check(Schema.isGreaterThanOrEqualTo(0))

const withDefault = <I extends number | Duration.Input>(schema: Schema.Codec<number, I>, value: number) =>
  Schema.withDecodingDefaultType<Schema.Codec<number, I>>(Effect.succeed(value))(schema)

/**
 * Membership. The numbers of the paper are those of its evaluation, section 5.1 (p. 9).
 *
 * @since 0.1.0
 * @category options
 */
export interface MembershipConfigInput {
  /** Maximum number of neighbours. Paper: 5. With 1, three nodes would replace one another without end. Default: 5. */
  readonly activeViewCapacity?: number | undefined
  /** Maximum number of contacts: peers remembered without a connection. Paper: 30. Default: 30. */
  readonly passiveViewCapacity?: number | undefined
  /** Hops of a ForwardJoin until the new peer enters an active view (ARWL). Paper: 6. Default: 6. */
  readonly activeRandomWalkLength?: number | undefined
  /** Hops left of a ForwardJoin at which the new peer enters a passive view (PRWL). Paper: 3. Default: 3. */
  readonly passiveRandomWalkLength?: number | undefined
  /** Hops of a Shuffle. Paper: 6. Default: 6. */
  readonly shuffleRandomWalkLength?: number | undefined
  /** Active peers in a Shuffle (k_a). Paper: 3. Default: 3. */
  readonly shuffleActiveViewCount?: number | undefined
  /** Passive peers in a Shuffle (k_p). Paper: 4. Default: 4. */
  readonly shufflePassiveViewCount?: number | undefined
  /** Time between two Shuffles. The value is iroh-gossip's estimate. Default: 60 s. */
  readonly shuffleInterval?: Duration.Input | undefined
  /**
   * Time in which a peer answers a Neighbor request, or the next contact is asked. The value is iroh-gossip's estimate. Default: 500 ms.
   */
  readonly neighborRequestTimeout?: Duration.Input | undefined
}

/**
 * Defaults and checks of {@link MembershipConfigInput}.
 *
 * @since 0.1.0
 * @category schemas
 */
export const MembershipConfig = Schema.Struct({
  activeViewCapacity: withDefault(atLeast(2), 5),
  passiveViewCapacity: withDefault(atLeast(1), 30),
  activeRandomWalkLength: withDefault(hops, 6),
  passiveRandomWalkLength: withDefault(hops, 3),
  shuffleRandomWalkLength: withDefault(hops, 6),
  shuffleActiveViewCount: withDefault(count, 3),
  shufflePassiveViewCount: withDefault(count, 4),
  shuffleIntervalMs: withDefault(millis, 60_000),
  neighborRequestTimeoutMs: withDefault(millis, 500),
}).pipe(Schema.encodeKeys({ shuffleIntervalMs: "shuffleInterval", neighborRequestTimeoutMs: "neighborRequestTimeout" }))

/**
 * All membership parameters with their values; durations in ms.
 *
 * @since 0.1.0
 * @category options
 */
export type MembershipConfig = typeof MembershipConfig.Type

/**
 * Broadcast.
 *
 * @since 0.1.0
 * @category options
 */
export interface BroadcastConfigInput {
  /**
   * Time from an IHave to the first Graft. Paper (p. 8): chosen by the overlay's diameter and the wanted recovery latency. Default: 80 ms.
   */
  readonly graftTimeout1?: Duration.Input | undefined
  /** Time from one Graft to the next. Paper (p. 9): smaller than the first, about a round trip to a neighbour. Default: 40 ms. */
  readonly graftTimeout2?: Duration.Input | undefined
  /** Time in which ids are collected before they go out in one IHave. Default: 5 ms. */
  readonly dispatchTimeout?: Duration.Input | undefined
  /** Number of hops by which a lazy peer must be nearer to the author than an eager peer to replace it. Paper (p. 12): 7. Default: 7. */
  readonly optimizationThreshold?: number | undefined
  /** Time for which payloads are kept for peers that graft. Default: 30 s. */
  readonly messageCacheRetention?: Duration.Input | undefined
  /**
   * Maximum number of payload bytes kept for them; the oldest are dropped first. Our own (DEVIATIONS.md, "cache limits").
   * Default: 67,108,864.
   */
  readonly messageCacheMaxBytes?: number | undefined
  /** Time for which ids are kept, so that no payload is delivered twice; at least as long as the payloads. Default: 90 s. */
  readonly messageIdRetention?: Duration.Input | undefined
  /**
   * Maximum number of ids kept, about 60 bytes of memory each; the oldest are dropped first. Our own (DEVIATIONS.md,
   * "cache limits"). Default: 500,000.
   */
  readonly messageIdMaxCount?: number | undefined
  /**
   * Maximum number of bytes that the payloads and ids of all topics of the node take; the topic that holds the most drops its oldest
   * ones first, payloads before ids. Our own (DEVIATIONS.md, "cache limits"). Default: 134,217,728.
   */
  readonly messageTotalMaxBytes?: number | undefined
  /** Time between two clean-ups of the caches. Default: 1 s. */
  readonly cacheEvictInterval?: Duration.Input | undefined
}

/**
 * Defaults and checks of {@link BroadcastConfigInput}.
 *
 * @since 0.1.0
 * @category schemas
 */
export const BroadcastConfig = Schema.Struct({
  graftTimeout1Ms: withDefault(millis, 80),
  graftTimeout2Ms: withDefault(millis, 40),
  dispatchTimeoutMs: withDefault(millis, 5),
  optimizationThreshold: withDefault(hops, 7),
  messageCacheRetentionMs: withDefault(millis, 30_000),
  messageCacheMaxBytes: withDefault(count, 64 * 1024 * 1024),
  messageIdRetentionMs: withDefault(millis, 90_000),
  messageIdMaxCount: withDefault(atLeast(1), 500_000),
  messageTotalMaxBytes: withDefault(count, 128 * 1024 * 1024),
  cacheEvictIntervalMs: withDefault(millis, 1_000),
}).pipe(
  Schema.encodeKeys({
    graftTimeout1Ms: "graftTimeout1",
    graftTimeout2Ms: "graftTimeout2",
    dispatchTimeoutMs: "dispatchTimeout",
    messageCacheRetentionMs: "messageCacheRetention",
    messageIdRetentionMs: "messageIdRetention",
    cacheEvictIntervalMs: "cacheEvictInterval",
  }),
)

/**
 * All broadcast parameters with their values; durations in ms.
 *
 * @since 0.1.0
 * @category options
 */
export type BroadcastConfig = typeof BroadcastConfig.Type

/**
 * The smallest `maxMessageSize`, in bytes: control messages must fit (iroh-gossip `MIN_MAX_MESSAGE_SIZE`).
 *
 * @since 0.1.0
 * @category constants
 */
export const MIN_MAX_MESSAGE_BYTES = 512

/**
 * All parameters of the protocol.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ProtocolConfig = Schema.Struct({
  membership: MembershipConfig.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  broadcast: BroadcastConfig.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  /** Maximum size of an encoded message in bytes (the frame's length prefix not counted). */
  maxMessageSize: withDefault(atLeast(MIN_MAX_MESSAGE_BYTES), 4_096),
})

/**
 * All parameters of the protocol with their values.
 *
 * @since 0.1.0
 * @category options
 */
export type ProtocolConfig = typeof ProtocolConfig.Type

/**
 * The parameters that differ from the defaults.
 *
 * @since 0.1.0
 * @category options
 */
export interface ProtocolConfigInput {
  /** Membership (HyParView). */
  readonly membership?: MembershipConfigInput | undefined
  /** Broadcast (PlumTree). */
  readonly broadcast?: BroadcastConfigInput | undefined
  /** Maximum size of an encoded message in bytes (the frame's length prefix not counted). Default: 4,096. */
  readonly maxMessageSize?: number | undefined
}

/**
 * Every parameter at its default.
 *
 * @since 0.1.0
 * @category schemas
 */
export const defaultConfig: ProtocolConfig = Schema.decodeSync(ProtocolConfig)({})
