/**
 * The options of gossip: the protocol's parameters, and the limits of the engine that runs it. Every option has a default.
 * Durations are any `Duration.Input`, sizes bytes. The resolved configuration has durations in plain milliseconds.
 */
import { MillisFromInput } from "@topic-tracker/common"
import { type Duration, Effect, Schema, SchemaIssue } from "effect"
import { GossipError } from "./model.ts"
import { ProtocolConfig, type ProtocolConfigInput } from "./protocol/Config.ts"

const withDefault = <I extends number | Duration.Input>(schema: Schema.Codec<number, I>, value: number) =>
  Schema.withDecodingDefaultType<Schema.Codec<number, I>>(Effect.succeed(value))(schema)

const millis = MillisFromInput.check(Schema.isGreaterThanOrEqualTo(1))

/**
 * The options of gossip that differ from the defaults: the protocol's parameters and the engine's limits.
 *
 * @since 0.1.0
 * @category options
 */
export interface GossipConfigInput extends ProtocolConfigInput {
  /**
   * Bytes queued for one neighbour on one topic from which the neighbour is congested. The topic waits for it for 250 ms. If it has
   * not drained to half by then, it is slow: the topic continues without it, and it gets ids instead of payloads until it has drained.
   * `broadcast` waits while all neighbours are slow. Default: 262,144.
   */
  readonly sendQueueBytes?: number | undefined
  /**
   * A slow neighbour that takes less than half of `sendQueueBytes` in this time is disconnected and refused for a minute, the next
   * time for 10 minutes. While all neighbours are slow, each has six times as long and is not refused. Default: 5 s.
   */
  readonly stallTimeout?: Duration.Input | undefined
  /** Time for which a connection that no topic needs waits for the peer to end its side. Default: 1 s. */
  readonly linger?: Duration.Input | undefined
  /** Time for which a topic that is left waits until its last messages are sent. Default: 1 s. */
  readonly closeTimeout?: Duration.Input | undefined
}

/**
 * Defaults and checks of {@link GossipConfigInput}.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GossipConfig = Schema.Struct({
  ...ProtocolConfig.fields,
  sendQueueBytes: withDefault(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)), 262_144),
  stallTimeoutMs: withDefault(millis, 5_000),
  lingerMs: withDefault(millis, 1_000),
  closeTimeoutMs: withDefault(millis, 1_000),
}).pipe(Schema.encodeKeys({ stallTimeoutMs: "stallTimeout", lingerMs: "linger", closeTimeoutMs: "closeTimeout" }))

/**
 * Every option with its value; durations in ms.
 *
 * @since 0.1.0
 * @category options
 */
export type GossipConfig = typeof GossipConfig.Type

const standard: GossipConfig = Schema.decodeSync(GossipConfig)({})

const decode = Schema.decodeUnknownEffect(GossipConfig, { onExcessProperty: "error" })

/** The whole configuration. Fails with InvalidArgument, which names the invalid or unknown option and what is allowed. */
export const resolveConfig = (input?: GossipConfigInput): Effect.Effect<GossipConfig, GossipError> =>
  input === undefined
    ? Effect.succeed(standard)
    : decode(input).pipe(
        Effect.mapError(({ issue }) => new GossipError({ reason: "InvalidArgument", message: describe(issue) })),
      )

const describe = (issue: SchemaIssue.Issue): string =>
  issueFormatter(issue)
    .issues.map(({ message, path }) => {
      const name = (path ?? []).map(String).join(".")
      // The range of a duration is checked after the key got its unit.
      return `config.${message === NO_OPTION ? name : name.replace(/Ms$/, "")}: ${message}`
    })
    .join("; ")

const NO_OPTION = "is no option"

const issueFormatter = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => (issue._tag === "UnexpectedKey" ? NO_OPTION : SchemaIssue.defaultLeafHook(issue)),
})
