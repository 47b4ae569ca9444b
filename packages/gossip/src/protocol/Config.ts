/**
 * The protocol's parameters and their defaults, which are iroh-gossip 0.101's. They should be the same on every node of a
 * network. Durations are milliseconds, sizes bytes.
 *
 * Papers: HyParView (Leitão, Pereira, Rodrigues, DSN 2007), PlumTree ("Epidemic Broadcast Trees", the same, SRDS 2007).
 */
import { Effect, Schema } from "effect"

const atLeast = (minimum: number) => Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum))
const count = atLeast(0)
const hops = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

const withDefault = <S extends Schema.Codec<number>>(schema: S, value: number) =>
  schema.pipe(Schema.withDecodingDefaultType(Effect.succeed(value)))

/** Membership. The numbers of the paper are those of its evaluation, section 5.1 (p. 9). */
export const MembershipConfig = Schema.Struct({
  /** Peers that connections are held to. Paper: 5. With 1, three nodes would drop one another without end. */
  activeViewCapacity: withDefault(atLeast(2), 5),
  /** Peers remembered without a connection. Paper: 30. */
  passiveViewCapacity: withDefault(atLeast(1), 30),
  /** Hops of a ForwardJoin until the new peer enters an active view (ARWL). Paper: 6. */
  activeRandomWalkLength: withDefault(hops, 6),
  /** Hops left of a ForwardJoin at which the new peer enters a passive view (PRWL). Paper: 3. */
  passiveRandomWalkLength: withDefault(hops, 3),
  /** Hops of a Shuffle. Paper: 6. */
  shuffleRandomWalkLength: withDefault(hops, 6),
  /** Active peers in a Shuffle (k_a). Paper: 3. */
  shuffleActiveViewCount: withDefault(count, 3),
  /** Passive peers in a Shuffle (k_p). Paper: 4. */
  shufflePassiveViewCount: withDefault(count, 4),
  /** Time between two Shuffles. iroh-gossip's guess. */
  shuffleIntervalMs: withDefault(millis, 60_000),
  /** How long a peer may take to answer a request to be neighbours. iroh-gossip's guess. */
  neighborRequestTimeoutMs: withDefault(millis, 500),
  /**
   * How the account of requests to be neighbours and of farewells is kept. "exact": each entry ends with its answer, its
   * time or the tie itself. "iroh-gossip": as that does, for comparing with it. An answer that we owed stays on the books as
   * a request, so that such a neighbour is counted twice when free slots are looked for, and active views stay at three or
   * four peers; a request outlives the tie that it made, so that some neighbours do not have us as theirs; and who once
   * left us in peace is kept as a contact even when it crashes later.
   */
  requestBookkeeping: Schema.Literals(["exact", "iroh-gossip"]).pipe(
    Schema.withDecodingDefaultType(Effect.succeed("exact" as const)),
  ),
})
export type MembershipConfig = typeof MembershipConfig.Type

/** Broadcast. */
export const BroadcastConfig = Schema.Struct({
  /** From an IHave to the first Graft. Paper (p. 8): by the overlay's diameter and the recovery latency wanted. */
  graftTimeout1Ms: withDefault(millis, 80),
  /** From one Graft to the next. Paper (p. 9): smaller than the first, about a round trip to a neighbour. */
  graftTimeout2Ms: withDefault(millis, 40),
  /** How long ids are gathered before they go out in one IHave. */
  dispatchTimeoutMs: withDefault(millis, 5),
  /** Hops by which a lazy peer must be nearer to the author than the eager one to take its place. Paper (p. 12): 7. */
  optimizationThreshold: withDefault(hops, 7),
  /** How long payloads are kept for peers that graft. */
  messageCacheRetentionMs: withDefault(millis, 30_000),
  /** The most bytes of payload kept for them: the oldest go first. Ours; iroh-gossip sets no limit. */
  messageCacheMaxBytes: withDefault(count, 64 * 1024 * 1024),
  /** How long ids are kept so that no payload is delivered twice; at least as long as the payloads. */
  messageIdRetentionMs: withDefault(millis, 90_000),
  /** The most ids kept, about 60 bytes of memory each: the oldest go first. Ours; iroh-gossip sets no limit. */
  messageIdMaxCount: withDefault(atLeast(1), 500_000),
  /** Time between two clean-ups of the caches. */
  cacheEvictIntervalMs: withDefault(millis, 1_000),
})
export type BroadcastConfig = typeof BroadcastConfig.Type

/** The least that `maxMessageSize` may be, so that control messages fit (iroh-gossip `MIN_MAX_MESSAGE_SIZE`). */
export const minMaxMessageSize = 512

export const ProtocolConfig = Schema.Struct({
  membership: MembershipConfig.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  broadcast: BroadcastConfig.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  /** The most bytes a message's encoding may have (the frame's length prefix not counted). */
  maxMessageSize: withDefault(atLeast(minMaxMessageSize), 4_096),
})
export type ProtocolConfig = typeof ProtocolConfig.Type

/** Every parameter at its default. */
export const defaultConfig: ProtocolConfig = Schema.decodeSync(ProtocolConfig)({})
