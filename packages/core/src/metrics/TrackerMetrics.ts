/**
 * What a node counts, as metrics of Effect's: for whichever exporter a program has. The DHT client and the gossip engine count in
 * plain numbers, since they do so thousands of times a second; a fiber carries what they have counted into the metrics from time to time
 * and once more at the end. Several nodes in one process add up.
 */
import { Dht, type DhtStats } from "@topic-tracker/dht"
import { Gossip, type GossipStats } from "@topic-tracker/gossip"
import { Duration, Effect, Layer, Metric, Schedule } from "effect"

/**
 * The time from the start of a search for a neighbour (a join, a resume, or the loss of the last neighbour) until there is one. All topics
 * of the process.
 *
 * @since 0.1.0
 */
export const joinDuration = Metric.timer("topic_tracker_join_duration", {
  description: "From the start of a search for a neighbour until there is one",
  // 10, 20, 40 … 40,960 ms: from a warm join on loopback to the slowest join of the Rust crate.
  boundaries: Metric.exponentialBoundaries({ start: 10, factor: 2, count: 13 }),
})

/** How the metrics are kept up to date. */
export interface TrackerMetricsOptions {
  /** From one reading of the counters to the next, at least 100 ms. Default: 10 seconds. */
  readonly every?: Duration.Input
}

const leastInterval = Duration.millis(100)

type NumberMetric = Metric.Metric<number, unknown>

const counter = (name: string, description: string) =>
  Metric.counter(`topic_tracker_${name}`, { description, incremental: true })

const gauge = (name: string, description: string) => Metric.gauge(`topic_tracker_${name}`, { description })

const dhtMetrics: Readonly<Record<keyof DhtStats, NumberMetric>> = {
  nodes: gauge("dht_nodes", "Nodes in the routing table"),
  packetsSent: counter("dht_packets_sent", "Datagrams sent"),
  packetsReceived: counter("dht_packets_received", "Datagrams received"),
  packetsMalformed: counter("dht_packets_malformed", "Datagrams dropped because they were not valid KRPC"),
  gets: counter("dht_gets", "Gets of mutable items"),
  puts: counter("dht_puts", "Puts of mutable items"),
  lookups: counter("dht_lookups", "Iterative lookups begun; gets of one key at one time share one"),
  itemsInvalid: counter("dht_items_invalid", "Items dropped because their signature did not hold"),
  itemsStored: gauge("dht_items_stored", "Items kept for others"),
  queriesServed: counter("dht_queries_served", "Queries of others that were answered"),
  queriesLimited: counter("dht_queries_limited", "Queries of others beyond the rate limit"),
}

const gossipMetrics: Readonly<Record<keyof GossipStats, NumberMetric>> = {
  messagesOut: counter("gossip_messages_out", "Messages of the protocol handed to streams"),
  messagesIn: counter("gossip_messages_in", "Messages of the protocol taken from streams"),
  bytesOut: counter("gossip_bytes_out", "Bytes handed to streams"),
  bytesIn: counter("gossip_bytes_in", "Bytes taken from streams"),
  writes: counter("gossip_writes", "Writes handed to the transport"),
  reads: counter("gossip_reads", "Chunks read from the transport"),
  malformedStreams: counter("gossip_malformed_streams", "Streams given up because of what was no message"),
  unsendable: counter("gossip_unsendable", "Messages too large to be sent, or whose stream was refused"),
  dials: counter("gossip_dials", "Dials begun"),
  dialFailures: counter("gossip_dial_failures", "Dials that failed"),
  stalls: counter("gossip_stalls", "Connections closed because the peer took nothing"),
  lagged: counter("gossip_lagged", "Events that slow subscribers did not get"),
  defects: counter("gossip_defects", "Events on which the protocol threw, which is a mistake in this library"),
  forgedPayloads: counter("gossip_forged_payloads", "Payloads dropped because their id was not their hash"),
  duplicatePayloads: counter("gossip_duplicate_payloads", "Payloads that were there already"),
  droppedMessages: counter("gossip_dropped_messages", "Messages dropped because they made no sense"),
  topics: gauge("gossip_topics", "Topics that are open"),
  peers: gauge("gossip_peers", "Peers with a connection or a dial under way"),
  connections: gauge("gossip_connections", "Connections that are up"),
  timers: gauge("gossip_timers", "Timers that are set"),
}

/**
 * Metrics `topic_tracker_dht_…` and `topic_tracker_gossip_…`, kept up to date in the background and, when the layer is released, for the
 * last time; gauges then give back what this node added. In the attributes of the surrounding `Metric.CurrentMetricAttributes`.
 *
 * `TrackerMetrics.layer().pipe(Layer.provideMerge(TopicTracker.layer()))`
 */
export const layer = (options: TrackerMetricsOptions = {}): Layer.Layer<never, never, Dht | Gossip> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const dht = new Carrier(dhtMetrics, (yield* Dht).stats)
      const gossip = new Carrier(gossipMetrics, (yield* Gossip).stats)
      const carry = Effect.andThen(dht.carry, gossip.carry)
      yield* Effect.addFinalizer(() => Effect.all([carry, dht.giveBack, gossip.giveBack], { discard: true }))
      const every = Duration.max(Duration.fromInputUnsafe(options.every ?? "10 seconds"), leastInterval)
      yield* carry.pipe(Effect.repeat(Schedule.spaced(every)), Effect.forkScoped)
    }),
  )

/** Carries what has been counted since the last time into the metrics. */
class Carrier<Name extends string> {
  readonly carry: Effect.Effect<void>
  /** Takes this node's share out of the gauges. */
  readonly giveBack: Effect.Effect<void>

  constructor(metrics: Readonly<Record<Name, NumberMetric>>, stats: Effect.Effect<Readonly<Record<Name, number>>>) {
    const carried = new Map<Name, number>()
    const names = Object.keys(metrics) as Array<Name>
    const bring = (name: Name, to: number): Effect.Effect<void> => {
      const before = carried.get(name)
      carried.set(name, to)
      // The first time also when there is nothing to add: so that the metric is there.
      return to === before ? Effect.void : Metric.modify(metrics[name], to - (before ?? 0))
    }
    this.carry = Effect.flatMap(stats, (now) =>
      Effect.forEach(names, (name) => bring(name, now[name]), { discard: true }),
    )
    this.giveBack = Effect.forEach(
      names.filter((name) => metrics[name].type === "Gauge"),
      (name) => bring(name, 0),
      { discard: true },
    )
  }
}
