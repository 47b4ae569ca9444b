/**
 * The metrics of a node, for any exporter of Effect's metrics. They are read from the counters of the DHT client and the gossip engine when
 * the exporter collects them. Several nodes in one process add up.
 */
import { Dht, type DhtStats } from "@topic-tracker/dht"
import { Gossip, type GossipLatencies, type GossipStats, LATENCY_BOUNDS_MS } from "@topic-tracker/gossip"
import { Duration, Effect, Layer, Metric, type Scope } from "effect"
import { publishLatencies } from "./publishLatencies.ts"
import { counter, gauge, publishStats, type StatMetric } from "./publishStats.ts"

/**
 * The time from the start of a search for a neighbour (a join, a resume, or the loss of the last neighbour) until there is one. All topics
 * of the process.
 *
 * @since 0.1.0
 * @category metrics
 */
export const joinDuration = Metric.timer("topic_tracker_join_duration", {
  description: "From the start of a search for a neighbour until there is one",
  // 10, 20, 40 … 40,960 ms: from a warm join on loopback to the slowest join of the Rust crate. The last bound of `count` is infinite.
  boundaries: Metric.exponentialBoundaries({ start: 10, factor: 2, count: 14 }),
})

/**
 * The time from a publish on a channel that asked for acknowledgements until it had them. All channels of the process.
 *
 * @since 0.1.0
 * @category metrics
 */
export const acknowledgeDuration = Metric.timer("topic_tracker_channel_acknowledge_duration", {
  description: "From a publish that asked for acknowledgements until it had them",
  boundaries: LATENCY_BOUNDS_MS,
})

/**
 * Publishes on a channel that did not get the acknowledgements in time that they asked for.
 *
 * @since 0.1.0
 * @category metrics
 */
export const unacknowledged = Metric.counter("topic_tracker_channel_unacknowledged", {
  description: "Publishes that did not get the acknowledgements in time that they asked for",
  incremental: true,
})

/**
 * The round trips to the peers with a connection, as QUIC measures them: each peer's once in ten seconds. {@link layer} asks for them.
 *
 * @since 0.1.0
 * @category metrics
 */
export const roundTrip = Metric.timer("topic_tracker_round_trip", {
  description: "Round trips to the peers with a connection, each once in ten seconds",
  boundaries: LATENCY_BOUNDS_MS,
})

const ROUND_TRIPS_EVERY = "10 seconds"

const latencyMetrics: Readonly<Record<keyof GossipLatencies, readonly [name: string, description: string]>> = {
  echo: [
    "topic_tracker_gossip_echo",
    "From a broadcast of this node until a neighbour shows that it has it from another node",
  ],
  secondCopy: [
    "topic_tracker_gossip_second_copy",
    "From the first copy of a message until another neighbour announces or sends it",
  ],
  write: ["topic_tracker_gossip_write_duration", "From the queueing of a message until the transport has taken it"],
}

const dhtMetrics: Readonly<Record<keyof DhtStats, StatMetric>> = {
  nodes: gauge("topic_tracker_dht_nodes", "Nodes in the routing table"),
  packetsSent: counter("topic_tracker_dht_packets_sent", "Datagrams sent"),
  packetsReceived: counter("topic_tracker_dht_packets_received", "Datagrams received"),
  packetsMalformed: counter(
    "topic_tracker_dht_packets_malformed",
    "Datagrams dropped because they were not valid KRPC",
  ),
  gets: counter("topic_tracker_dht_gets", "Gets of mutable items"),
  puts: counter("topic_tracker_dht_puts", "Puts of mutable items"),
  lookups: counter("topic_tracker_dht_lookups", "Iterative lookups begun; gets of one key at one time share one"),
  sourcesDoubted: counter(
    "topic_tracker_dht_sources_doubted",
    "Hosts whose names a lookup dropped, because most of the nodes that they named were silent",
  ),
  itemsInvalid: counter("topic_tracker_dht_items_invalid", "Items dropped because their signature was invalid"),
  itemsStored: gauge("topic_tracker_dht_items_stored", "Items kept for others"),
  itemsDropped: counter("topic_tracker_dht_items_dropped", "Items of others refused or dropped for lack of room"),
  queriesServed: counter("topic_tracker_dht_queries_served", "Queries of others that were answered"),
  queriesLimited: counter("topic_tracker_dht_queries_limited", "Queries of others beyond the rate limit"),
  answersLimited: counter("topic_tracker_dht_answers_limited", "Answers to others beyond the limits on their bytes"),
}

const gossipMetrics: Readonly<Record<keyof GossipStats, StatMetric>> = {
  messagesOut: counter("topic_tracker_gossip_messages_out", "Messages of the protocol handed to streams"),
  messagesIn: counter("topic_tracker_gossip_messages_in", "Messages of the protocol taken from streams"),
  bytesOut: counter("topic_tracker_gossip_bytes_out", "Bytes handed to streams"),
  bytesIn: counter("topic_tracker_gossip_bytes_in", "Bytes taken from streams"),
  writes: counter("topic_tracker_gossip_writes", "Writes handed to the transport"),
  reads: counter("topic_tracker_gossip_reads", "Chunks read from the transport"),
  malformedStreams: counter(
    "topic_tracker_gossip_malformed_streams",
    "Streams given up because of data that was not a message",
  ),
  unsendable: counter("topic_tracker_gossip_unsendable", "Messages too large to be sent, or whose stream was refused"),
  dials: counter("topic_tracker_gossip_dials", "Dials begun"),
  dialFailures: counter("topic_tracker_gossip_dial_failures", "Dials that failed"),
  stalls: counter("topic_tracker_gossip_stalls", "Peers disconnected because they took too few bytes"),
  withheld: counter("topic_tracker_gossip_withheld", "Payloads of which a slow neighbour got the id only"),
  refused: counter(
    "topic_tracker_gossip_refused",
    "Connections and dials refused because their peer misbehaved before",
  ),
  expelled: counter("topic_tracker_gossip_expelled", "Peers disconnected and refused for a while"),
  throttled: counter(
    "topic_tracker_gossip_throttled",
    "Times that a peer was not read because it caused too much work",
  ),
  skippedMessages: counter("topic_tracker_gossip_skipped_messages", "Messages for topics that are not open here"),
  lagged: counter("topic_tracker_gossip_lagged", "Events that slow subscribers lost"),
  defects: counter(
    "topic_tracker_gossip_defects",
    "Exceptions in the gossip engine or its protocol: bugs of this library",
  ),
  ignoredPayloads: counter(
    "topic_tracker_gossip_ignored_payloads",
    "Payloads that the validator of their topic ignored",
  ),
  rejectedPayloads: counter(
    "topic_tracker_gossip_rejected_payloads",
    "Payloads that the validator of their topic rejected",
  ),
  forgedPayloads: counter(
    "topic_tracker_gossip_forged_payloads",
    "Payloads dropped because their id was not their hash",
  ),
  duplicatePayloads: counter("topic_tracker_gossip_duplicate_payloads", "Payloads that were received before"),
  droppedMessages: counter("topic_tracker_gossip_dropped_messages", "Messages dropped because they made no sense"),
  addressesDropped: counter(
    "topic_tracker_gossip_addresses_dropped",
    "Addresses of peers that were not dialled because they are not allowed",
  ),
  dialsRefused: counter("topic_tracker_gossip_dials_refused", "Dials not begun because too many were in progress"),
  droppedNames: counter("topic_tracker_gossip_dropped_names", "Peers named by others, dropped beyond a budget"),
  refusedRequests: counter(
    "topic_tracker_gossip_refused_requests",
    "Requests of strangers refused because strangers had replaced too many neighbours",
  ),
  overfullConnections: counter(
    "topic_tracker_gossip_overfull_connections",
    "Connections closed because too many bytes of the peer waited to be read",
  ),
  refusedHandshakes: counter(
    "topic_tracker_gossip_refused_handshakes",
    "Handshakes refused because too many were in progress or too many connections in use",
  ),
  retriedHandshakes: counter(
    "topic_tracker_gossip_retried_handshakes",
    "Handshakes that had to begin again to show the peer's address",
  ),
  replacedConnections: counter(
    "topic_tracker_gossip_replaced_connections",
    "Connections without use that were closed for new ones",
  ),
  refusedStreams: counter(
    "topic_tracker_gossip_refused_streams",
    "Streams of peers stopped because they had no header or too many were for topics that are not open",
  ),
  droppedAnnouncements: counter(
    "topic_tracker_gossip_dropped_announcements",
    "Announced payloads that were not asked for, because a neighbour announced too many or does not send them",
  ),
  droppedGrafts: counter(
    "topic_tracker_gossip_dropped_grafts",
    "Requests for payloads that were not answered, because of their number or size",
  ),
  topics: gauge("topic_tracker_gossip_topics", "Topics that are open"),
  peers: gauge("topic_tracker_gossip_peers", "Peers with a connection or a dial under way"),
  connections: gauge("topic_tracker_gossip_connections", "Connections that are up"),
  timers: gauge("topic_tracker_gossip_timers", "Timers that are set"),
}

/** Samples the round trips until the Scope closes. A peer with several connections counts once. */
const sampleRoundTrips = (gossip: Gossip["Service"]): Effect.Effect<void, never, Scope.Scope> =>
  gossip.paths.pipe(
    Effect.flatMap((paths) =>
      Effect.forEach(
        new Map(paths.map(({ peer, rttMs }) => [peer, rttMs])).values(),
        (rttMs) => Metric.update(roundTrip, Duration.millis(rttMs)),
        { discard: true },
      ),
    ),
    Effect.delay(ROUND_TRIPS_EVERY),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid,
  )

/**
 * The metrics `topic_tracker_dht_…` and `topic_tracker_gossip_…` of the node below, and the round trips to its peers. They have the attributes of the surrounding
 * `Metric.CurrentMetricAttributes`.
 *
 * ```ts
 * const node = TrackerMetrics.layer().pipe(Layer.provideMerge(TopicTracker.layer()))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (): Layer.Layer<never, never, Dht | Gossip> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const gossip = yield* Gossip
      yield* publishStats(dhtMetrics, (yield* Dht).stats)
      yield* publishStats(gossipMetrics, gossip.stats)
      for (const [kind, [name, description]] of Object.entries(latencyMetrics)) {
        const read = Effect.map(gossip.latencies, (all) => all[kind as keyof GossipLatencies])
        yield* publishLatencies({ name, description, read })
      }
      yield* sampleRoundTrips(gossip)
    }),
  )
