/**
 * What can be set about gossip: the protocol's parameters, and the limits of the engine that carries it. Every field has a
 * default. Times are milliseconds, sizes bytes.
 */
import { Effect, Schema, SchemaIssue } from "effect"
import { GossipError } from "./model.ts"
import { ProtocolConfig } from "./protocol/index.ts"

const withDefault = (schema: Schema.Codec<number>, value: number) =>
  schema.pipe(Schema.withDecodingDefaultType(Effect.succeed(value)))

const millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1))

/** The protocol's parameters and the engine's limits. Times are milliseconds, sizes bytes. */
export const GossipConfig = Schema.Struct({
  ...ProtocolConfig.fields,
  /**
   * Bytes queued for one peer on one topic from which on the topic is congested: broadcasts wait, and what other peers
   * send on it is not read.
   */
  sendQueueBytes: withDefault(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)), 262_144),
  /** How long a congested peer may take nothing before its connection is closed. */
  stallTimeoutMs: withDefault(millis, 30_000),
  /** How long a connection that no topic needs any more waits for the peer to end its side. */
  lingerMs: withDefault(millis, 1_000),
  /** How long leaving a topic waits for the last messages to be on their way. */
  closeTimeoutMs: withDefault(millis, 1_000),
})
export type GossipConfig = typeof GossipConfig.Type

/** The same with every field optional: what users write. */
export type GossipConfigInput = typeof GossipConfig.Encoded

const standard: GossipConfig = Schema.decodeSync(GossipConfig)({})

/** The whole configuration. Fails with InvalidArgument that names the field, its value and what it may be. */
export const resolveConfig = (input?: GossipConfigInput): Effect.Effect<GossipConfig, GossipError> =>
  input === undefined
    ? Effect.succeed(standard)
    : Schema.decodeEffect(GossipConfig)(input).pipe(
        Effect.mapError(({ issue }) => new GossipError({ reason: "InvalidArgument", message: describe(issue) })),
      )

const describe = (issue: SchemaIssue.Issue): string =>
  issueFormatter(issue)
    .issues.map(({ message, path }) => `config.${(path ?? []).map(String).join(".")}: ${message}`)
    .join("; ")

const issueFormatter = SchemaIssue.makeFormatterStandardSchemaV1()
