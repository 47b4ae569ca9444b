/**
 * The options of the DHT client over UDP: one schema gives their type, defaults and checks. It reads no environment: programs
 * that use topics give the tracker's options, of which these are made.
 */
import { DurationFromInput } from "@topic-tracker/common"
import { Duration, Effect, Random, Schedule, Schema, SchemaGetter, SchemaIssue } from "effect"
import { DhtError } from "./DhtError.ts"
import { ipv4 } from "./krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "./model.ts"

/**
 * A host (name or IPv4 address) and a UDP port.
 * @since 0.1.0
 * @category schemas
 */
export const Address = Schema.Struct({
  host: Schema.NonEmptyString,
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })),
})

const hostPattern = /^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(\d{1,5})$/

/**
 * The address in a text `host:port`; undefined when the text is invalid. The host is a name or an IPv4 address.
 * @since 0.1.0
 * @category encoding
 */
export const parseAddress = (text: string): DhtAddress | undefined => {
  const match = hostPattern.exec(text.trim())
  const [, host, port] = match ?? []
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) return undefined
  // A host of digits and dots only is an IPv4 address, or invalid.
  if (/^[\d.]+$/.test(host) && ipv4(host) === undefined) return undefined
  return { host, port: Number(port) }
}

/**
 * Whether all these nodes are on this host. Then the client must not use other interfaces.
 * @since 0.1.0
 * @category predicates
 */
export const isLoopbackOnly = (bootstrap: ReadonlyArray<DhtAddress>): boolean =>
  bootstrap.length > 0 &&
  bootstrap.every(({ host }) => host.toLowerCase() === "localhost" || (ipv4(host) ?? 0) >>> 24 === 127)

/**
 * {@link parseAddress} as a codec of text.
 * @since 0.1.0
 * @category schemas
 */
export const AddressFromString = Schema.String.pipe(
  Schema.decodeTo(Address, {
    decode: SchemaGetter.transformEffect((text: string, options) => {
      const address = parseAddress(text)
      return address === undefined
        ? Effect.fail(
            new SchemaIssue.InvalidValue(
              { message: `"${text}" is not host:port with a port from 1 to 65535` },
              text,
              options,
            ),
          )
        : Effect.succeed(address)
    }),
    encode: SchemaGetter.transform(({ host, port }: DhtAddress) => `${host}:${port}`),
  }),
)

/**
 * A node of an earlier run: see `Dht.snapshot`.
 * @since 0.1.0
 * @category schemas
 */
export const KnownNode = Schema.Struct({
  id: Schema.Uint8Array.check(
    Schema.makeFilter((id: Uint8Array) => id.length === 20, { expected: "a node id of 20 bytes" }),
  ),
  host: Schema.String.check(Schema.makeFilter((host) => ipv4(host) !== undefined, { expected: "an IPv4 address" })),
  port: Address.fields.port,
})

/**
 * The public nodes that mainline clients start from.
 * @since 0.1.0
 * @category operations
 */
export const publicBootstrap: ReadonlyArray<DhtAddress> = [
  { host: "router.bittorrent.com", port: 6881 },
  { host: "dht.transmissionbt.com", port: 6881 },
  { host: "dht.libtorrent.org", port: 25401 },
  { host: "relay.pkarr.org", port: 6881 },
]

const withDefault = <A, I>(schema: Schema.Codec<A, I>, value: A) =>
  Schema.withDecodingDefaultType<Schema.Codec<A, I>>(Effect.succeed(value))(schema)

const integer = (minimum: number, maximum: number, value: number) =>
  withDefault(Schema.Int.check(Schema.isBetween({ minimum, maximum })), value)

const count = (value: number) => integer(1, 100_000, value)

/** A time limit of zero or more; it may be infinite. */
const Limit = Schema.Union([Schema.Duration, DurationFromInput]).check(
  Schema.makeFilter((limit: Duration.Duration) => !Duration.isNegative(limit), { expected: "a duration of 0 or more" }),
)

/** A wait of zero or more. It must be finite: after an infinite wait the next step never comes. */
const Wait = Limit.check(Schema.makeFilter(Duration.isFinite, { expected: "a finite duration" }))

const limit = (value: Duration.Input) => withDefault(Limit, Duration.fromInputUnsafe(value))
const wait = (value: Duration.Input) => withDefault(Wait, Duration.fromInputUnsafe(value))

/**
 * The options of a DHT client that differ from the defaults. Retries and time limits of calls are those of
 * distributed-topic-tracker; k is that of mainline clients.
 *
 * @since 0.1.0
 * @category options
 */
export interface DhtOptionsInput {
  /** Nodes to ask first. Default: {@link publicBootstrap}. Host names are resolved at start, and again until they are found. */
  readonly bootstrap?: ReadonlyArray<DhtAddress> | undefined
  /** Address to bind. "0.0.0.0", the default: all addresses, or 127.0.0.1 when every bootstrap node is loopback. */
  readonly host?: string | undefined
  /** UDP port to bind. 0, the default: a free one. */
  readonly port?: number | undefined
  /** Number of closest nodes that a lookup must hear and that a put goes to. Default: 20. */
  readonly k?: number | undefined
  /** Maximum number of open queries of one lookup, which begins with fewer. Default: 16. */
  readonly alpha?: number | undefined
  /** Maximum number of open queries of all lookups together. Default: 256. */
  readonly maxOpenQueries?: number | undefined
  /** Maximum number of nodes that one lookup asks. Default: 256. */
  readonly maxQueriesPerLookup?: number | undefined
  /** Time after which a get ends with the items it has. Default: 10 s. */
  readonly getTimeout?: Duration.Input | undefined
  /** Time after which a put fails. Default: 10 s. */
  readonly putTimeout?: Duration.Input | undefined
  /** Number of times that a failed get or put is tried again, 0 to 100. Default: 3. */
  readonly retries?: number | undefined
  /** Minimum time before each retry. Default: 5 s. */
  readonly baseRetryInterval?: Duration.Input | undefined
  /** Maximum random time that is added to it. Default: 10 s. */
  readonly maxRetryJitter?: Duration.Input | undefined
  /** Shortest time to wait for the answer of one node. Default: 25 ms. */
  readonly roundTripFloor?: Duration.Input | undefined
  /** Time to wait for a node's first answer. Default: 500 ms. */
  readonly roundTripInitial?: Duration.Input | undefined
  /** Longest time to wait for the answer of one node. Default: 2 s. */
  readonly roundTripCeiling?: Duration.Input | undefined
  /** Mark queries as read-only (BEP 43), so that others keep this node out of their tables, and answer no queries. Default: false. */
  readonly readOnly?: boolean | undefined
  /**
   * Time after the start until queries are no longer marked as read-only, unless the bootstrap nodes know no other node. A node
   * that is asked pings the asking node to put it in its table, which doubles the packets of a short-lived node. Default: 10 s.
   */
  readonly introduceAfter?: Duration.Input | undefined
  /** The treatment of a put whose seq equals the stored one. Default: "overwrite". */
  readonly equalSeq?: "overwrite" | "keep-first" | undefined
  /**
   * Maximum number of mutable items stored for others, and of immutable ones. When there are more, those farthest from our node id
   * leave. A public host may have 50 of each, a network of 256 public addresses 200, a private host 500. Default: 1,000.
   */
  readonly storedItemsMax?: number | undefined
  /** Time for which an item is stored for others. Default: 2 h. */
  readonly storedItemTtl?: Duration.Input | undefined
  /**
   * Queries served each second for one public host, after a burst of five times as many. A private host may send ten times as many,
   * loopback any number. A host that sends ten times as many as it may is not heard for five minutes. Default: 10.
   */
  readonly queriesPerHost?: number | undefined
  /** Queries served each second for all hosts. Default: 2,000. */
  readonly queriesTotal?: number | undefined
  /**
   * Bytes of answers sent each second to one public host, after a burst of eight times as many. A private host gets ten times as
   * many, loopback any number. Default: 8,000.
   */
  readonly replyBytesPerHost?: number | undefined
  /**
   * Bytes of answers sent each second to all hosts except loopback. Half of them are for hosts that have answered us, whose addresses
   * are not forged. Default: 100,000.
   */
  readonly replyBytesTotal?: number | undefined
  /** Nodes of an earlier run, asked in addition to the bootstrap nodes. Default: none. */
  readonly knownNodes?: ReadonlyArray<DhtNode> | undefined
  /** File in which nodes are kept from run to run; created if it is missing. "", the default: in the context's KeyValueStore, if there is one. */
  readonly nodesFile?: string | undefined
}

/**
 * Defaults and checks of the options; {@link DhtOptionsInput} documents them.
 * @since 0.1.0
 * @category schemas
 */
export const DhtOptions = Schema.Struct({
  bootstrap: withDefault(Schema.Array(Address), publicBootstrap),
  host: withDefault(Schema.NonEmptyString, "0.0.0.0"),
  port: integer(0, 65_535, 0),
  k: count(20),
  alpha: count(16),
  maxOpenQueries: count(256),
  maxQueriesPerLookup: count(256),
  getTimeout: limit("10 seconds"),
  putTimeout: limit("10 seconds"),
  retries: integer(0, 100, 3),
  baseRetryInterval: wait("5 seconds"),
  maxRetryJitter: wait("10 seconds"),
  roundTripFloor: wait("25 millis"),
  roundTripInitial: wait("500 millis"),
  roundTripCeiling: withDefault(
    Wait.check(Schema.makeFilter(Duration.isPositive, { expected: "a duration above 0" })),
    Duration.seconds(2),
  ),
  readOnly: withDefault(Schema.Boolean, false),
  introduceAfter: limit("10 seconds"),
  equalSeq: withDefault<"overwrite" | "keep-first", "overwrite" | "keep-first">(
    Schema.Literals(["overwrite", "keep-first"]),
    "overwrite",
  ),
  storedItemsMax: count(1_000),
  storedItemTtl: limit("2 hours"),
  queriesPerHost: count(10),
  queriesTotal: count(2_000),
  replyBytesPerHost: integer(1_500, 1_000_000_000, 8_000),
  replyBytesTotal: integer(3_000, 1_000_000_000, 100_000),
  knownNodes: withDefault<ReadonlyArray<typeof KnownNode.Type>, ReadonlyArray<typeof KnownNode.Encoded>>(
    Schema.Array(KnownNode),
    [],
  ),
  nodesFile: withDefault(Schema.String, ""),
})

/**
 * All options of a DHT client with their values.
 * @since 0.1.0
 * @category options
 */
export type DhtOptions = typeof DhtOptions.Type

const decode = Schema.decodeUnknownEffect(DhtOptions, { onExcessProperty: "error" })

/**
 * Every option at its default.
 * @since 0.1.0
 * @category schemas
 */
export const defaults: DhtOptions = Schema.decodeSync(DhtOptions)({})

/**
 * The defaults with these options in their place. Fails with `InvalidArgument`, which names the invalid or unknown option.
 * @since 0.1.0
 * @category operations
 */
export const resolve = (options: DhtOptionsInput): Effect.Effect<DhtOptions, DhtError> =>
  decode(options).pipe(
    Effect.mapError((error) => new DhtError({ reason: "InvalidArgument", message: `options: ${error.message}` })),
  )

/**
 * The pauses between attempts: `retries` times, `baseRetryInterval` and a random part of `maxRetryJitter` each.
 * @since 0.1.0
 * @category operations
 */
export const retrySchedule = (options: DhtOptions): Schedule.Schedule<unknown> =>
  Schedule.max([
    Schedule.recurs(options.retries),
    Schedule.spaced(options.baseRetryInterval).pipe(
      Schedule.addDelay(() => Random.nextBetween(0, Duration.toMillis(options.maxRetryJitter))),
    ),
  ])
