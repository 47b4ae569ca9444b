/**
 * The settings of the UDP client: their schema, their defaults and how they are read from the environment
 * (`TOPIC_TRACKER_DHT_…`). Durations are `Duration`s; whatever is out of range is refused with the setting's name.
 */
import { Config, Duration, Effect, Random, Schedule, Schema, SchemaGetter, SchemaIssue } from "effect"
import { DhtError } from "./DhtError.ts"
import { ipv4 } from "./krpc/nodeId.ts"
import type { DhtAddress } from "./model.ts"

const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))
const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))

/** How long something may take or last; it may be for ever. */
const Limit = Schema.Duration.check(
  Schema.makeFilter((limit: Duration.Duration) => !Duration.isNegative(limit), { expected: "a duration of 0 or more" }),
)

/** How long something is waited for that comes next: not for ever, or nothing would come. */
const Wait = Limit.check(Schema.makeFilter(Duration.isFinite, { expected: "a duration that ends" }))

/** A host (name or IPv4 address) and a UDP port. */
export const Address = Schema.Struct({
  host: Schema.NonEmptyString,
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 })),
})

const hostPattern = /^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(\d{1,5})$/

/** The address that `host:port` names, or undefined when the text is none. The host is a name or an IPv4 address. */
export const parseAddress = (text: string): DhtAddress | undefined => {
  const match = hostPattern.exec(text.trim())
  const [, host, port] = match ?? []
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) return undefined
  // All digits and dots: an address, so it must be a right one.
  if (/^[\d.]+$/.test(host) && ipv4(host) === undefined) return undefined
  return { host, port: Number(port) }
}

/** Whether only nodes of this host are started from: then nothing outside it is to be touched. */
export const isLoopbackOnly = (bootstrap: ReadonlyArray<DhtAddress>): boolean =>
  bootstrap.length > 0 &&
  bootstrap.every(({ host }) => host.toLowerCase() === "localhost" || (ipv4(host) ?? 0) >>> 24 === 127)

/** {@link parseAddress} as a codec of text. */
export const AddressFromString = Schema.String.pipe(
  Schema.decodeTo(Address, {
    decode: SchemaGetter.transformEffect((text: string, options) => {
      const address = parseAddress(text)
      return address === undefined
        ? Effect.fail(
            new SchemaIssue.InvalidValue(
              { message: `"${text}" is no address; give host:port with a port from 1 to 65535` },
              text,
              options,
            ),
          )
        : Effect.succeed(address)
    }),
    encode: SchemaGetter.transform(({ host, port }: DhtAddress) => `${host}:${port}`),
  }),
)

/** A node remembered from an earlier run: see `Dht.snapshot`. */
export const KnownNode = Schema.Struct({
  id: Schema.Uint8Array.check(
    Schema.makeFilter((id: Uint8Array) => id.length === 20, { expected: "a node id of 20 bytes" }),
  ),
  host: Schema.String.check(Schema.makeFilter((host) => ipv4(host) !== undefined, { expected: "an IPv4 address" })),
  port: Address.fields.port,
})

/** What can be set about a DHT client. `Dht.layer` takes any part of it. */
export const DhtOptions = Schema.Struct({
  /** Nodes to ask first; names are resolved once, at start, or as soon as they can be. */
  bootstrap: Schema.Array(Address),
  /** The address to bind: "0.0.0.0" for all, which means 127.0.0.1 alone when every bootstrap node is loopback. */
  host: Schema.NonEmptyString,
  /** The UDP port to bind; 0 for any free one. */
  port: Port,
  /** How many of the closest nodes a walk must hear and a put goes to. */
  k: Count,
  /** How many queries one walk keeps open at most; it begins with a few. */
  alpha: Count,
  /** How many queries all walks together keep open. */
  maxOpenQueries: Count,
  /** How many nodes one walk asks at most. */
  maxQueriesPerWalk: Count,
  /** When a get ends with what it has; when a put fails. */
  getTimeout: Limit,
  putTimeout: Limit,
  /** How often a failed get or put is tried again; the first attempt is at once. */
  retries: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  /** The pause before each retry, and up to how much is added to it at random. */
  retryDelay: Wait,
  retryJitter: Wait,
  /** The least, the first and the longest time to wait for one node. */
  roundTripFloor: Wait,
  roundTripInitial: Wait,
  roundTripCeiling: Wait.check(Schema.makeFilter(Duration.isPositive, { expected: "a duration above 0" })),
  /** Tell others not to put us in their tables (BEP 43), and serve nobody. */
  readOnly: Schema.Boolean,
  /**
   * How long after the start our queries say read-only all the same, unless the bootstrap nodes know nobody else. Whoever is
   * asked pings who asks, to put it in its table: for one that comes to join something as many packets again.
   */
  introduceAfter: Limit,
  /** What to do with a put of the seq already held. */
  equalSeq: Schema.Literals(["overwrite", "keep-first"]),
  /** Items kept for others, and for how long. */
  storedItemsMax: Count,
  storedItemTtl: Limit,
  /** Queries served a second: from one host, from all. */
  queriesPerHost: Count,
  queriesTotal: Count,
  /** Nodes of an earlier run, asked beside the bootstrap nodes. */
  knownNodes: Schema.Array(KnownNode),
  /** A file that keeps them from run to run; "" for none. It is made when it is not there. */
  nodesFile: Schema.String,
})
export type DhtOptions = typeof DhtOptions.Type

/** The public nodes that mainline clients start from. */
export const publicBootstrap: ReadonlyArray<DhtAddress> = [
  { host: "router.bittorrent.com", port: 6881 },
  { host: "dht.transmissionbt.com", port: 6881 },
  { host: "dht.libtorrent.org", port: 25401 },
  { host: "relay.pkarr.org", port: 6881 },
]

/** Retries, pauses and time-outs of calls are those of distributed-topic-tracker; k is what mainline clients use. */
export const defaults: DhtOptions = {
  bootstrap: publicBootstrap,
  host: "0.0.0.0",
  port: 0,
  k: 20,
  alpha: 16,
  maxOpenQueries: 256,
  maxQueriesPerWalk: 256,
  getTimeout: Duration.seconds(10),
  putTimeout: Duration.seconds(10),
  retries: 3,
  retryDelay: Duration.seconds(5),
  retryJitter: Duration.seconds(10),
  roundTripFloor: Duration.millis(25),
  roundTripInitial: Duration.millis(500),
  roundTripCeiling: Duration.seconds(2),
  readOnly: false,
  introduceAfter: Duration.seconds(10),
  equalSeq: "overwrite",
  storedItemsMax: 1000,
  storedItemTtl: Duration.hours(2),
  queriesPerHost: 100,
  queriesTotal: 2000,
  knownNodes: [],
  nodesFile: "",
}

const decodeOptions = Schema.decodeUnknownEffect(DhtOptions)

/** The defaults with the given settings in their place; fails with `InvalidArgument` naming the one out of range. */
export const resolve = (options: Partial<DhtOptions>): Effect.Effect<DhtOptions, DhtError> =>
  decodeOptions({ ...defaults, ...options }).pipe(
    Effect.mapError((error) => new DhtError({ reason: "InvalidArgument", message: `options: ${error.message}` })),
  )

/**
 * The settings as they stand in the environment, `TOPIC_TRACKER_DHT_BOOTSTRAP` (comma-separated host:port) to
 * `TOPIC_TRACKER_DHT_STORED_ITEM_TTL`, with the defaults for what is not set. Durations read like "10 seconds".
 */
export const fromEnvironment: Config.Config<DhtOptions> = Config.all({
  bootstrap: Config.Array(AddressFromString, "BOOTSTRAP").pipe(Config.withDefault(defaults.bootstrap)),
  host: Config.NonEmptyString("HOST").pipe(Config.withDefault(defaults.host)),
  port: Config.schema(Schema.FiniteFromString.pipe(Schema.decodeTo(Port)), "PORT").pipe(
    Config.withDefault(defaults.port),
  ),
  k: count("K", defaults.k),
  alpha: count("ALPHA", defaults.alpha),
  maxOpenQueries: count("MAX_OPEN_QUERIES", defaults.maxOpenQueries),
  maxQueriesPerWalk: count("MAX_QUERIES_PER_WALK", defaults.maxQueriesPerWalk),
  getTimeout: duration("GET_TIMEOUT", defaults.getTimeout),
  putTimeout: duration("PUT_TIMEOUT", defaults.putTimeout),
  retries: Config.schema(Schema.FiniteFromString.pipe(Schema.decodeTo(DhtOptions.fields.retries)), "RETRIES").pipe(
    Config.withDefault(defaults.retries),
  ),
  retryDelay: duration("RETRY_DELAY", defaults.retryDelay),
  retryJitter: duration("RETRY_JITTER", defaults.retryJitter),
  roundTripFloor: duration("ROUND_TRIP_FLOOR", defaults.roundTripFloor),
  roundTripInitial: duration("ROUND_TRIP_INITIAL", defaults.roundTripInitial),
  roundTripCeiling: duration("ROUND_TRIP_CEILING", defaults.roundTripCeiling),
  readOnly: Config.Boolean("READ_ONLY").pipe(Config.withDefault(defaults.readOnly)),
  introduceAfter: duration("INTRODUCE_AFTER", defaults.introduceAfter),
  equalSeq: Config.Literals(["overwrite", "keep-first"], "EQUAL_SEQ").pipe(Config.withDefault(defaults.equalSeq)),
  storedItemsMax: count("STORED_ITEMS_MAX", defaults.storedItemsMax),
  storedItemTtl: duration("STORED_ITEM_TTL", defaults.storedItemTtl),
  queriesPerHost: count("QUERIES_PER_HOST", defaults.queriesPerHost),
  queriesTotal: count("QUERIES_TOTAL", defaults.queriesTotal),
  nodesFile: Config.String("NODES_FILE").pipe(Config.withDefault(defaults.nodesFile)),
}).pipe(
  Config.nested("TOPIC_TRACKER_DHT"),
  Config.map((settings) => ({ ...settings, knownNodes: defaults.knownNodes })),
)

function count(name: string, value: number): Config.Config<number> {
  return Config.schema(Schema.FiniteFromString.pipe(Schema.decodeTo(Count)), name).pipe(Config.withDefault(value))
}

function duration(name: string, value: Duration.Duration): Config.Config<Duration.Duration> {
  return Config.Duration(name).pipe(Config.withDefault(value))
}

/** The pauses between attempts: `retries` times, `retryDelay` and a random part of `retryJitter` each. */
export const retrySchedule = (options: DhtOptions): Schedule.Schedule<unknown> =>
  Schedule.max([
    Schedule.recurs(options.retries),
    Schedule.spaced(options.retryDelay).pipe(
      Schedule.addDelay(() => Random.nextBetween(0, Duration.toMillis(options.retryJitter))),
    ),
  ])
