/**
 * Every option, once: its type, default, check, description and owner. All else is derived from {@link Options}.
 *
 * From a source to its use:
 *
 * 1. Input. Code gives a `TopicConfigInput`. `environment.ts` reads the same shape from the current ConfigProvider: variables
 *    such as TOPIC_TRACKER_DHT_PORT, or a tree under `topicTracker` (a JSON file). Unknown names are errors in each source.
 * 2. Layers. `TopicConfig.merge` puts one input over another, option by option: environment over code over defaults.
 * 3. Check. `TopicConfig.make` decodes each option with its codec here and reports every wrong one at once.
 * 4. Node. `TopicTracker` builds the node's parts from the result: `dhtOptions.ts` gives the DHT client's options, from which
 *    `stack/node.ts` also decides whether all sockets stay on this host.
 * 5. Topic. Each join may give options again, over the node's; those that belong to the node must not differ. `Tuning.ts` gives
 *    the values behind `profile`. A topic reads only the checked result.
 *
 * `scripts/configTable.ts` generates the types that editors show (`types.ts`) and docs/configuration.md.
 *
 * Source of names and defaults: distributed-topic-tracker 0.3.5, `src/config.rs`. Options marked `ours` are not in the crate.
 */
import { Schema } from "effect"
import {
  addresses,
  boolean,
  duration,
  integer,
  knownNodes,
  literal,
  localHost,
  ours,
  path,
  positiveDuration,
  relays,
} from "./values.ts"

/** A slot's records are held by k = 20 nodes (BEP 5), one record each, so a reader never finds more. */
const SLOT_LIMIT = 20
/** HyParView's active view and the peer list of a record hold 5 peers each. */
const PEER_LIMIT = 5

const FAIL_ON_START = "Fail the topic if this worker cannot start. With false the topic runs without the worker."
const BASE_INTERVAL = "Set the minimum time between two rounds. Values below 1 s count as 1 s."
const MAX_JITTER = "Set the maximum random time that is added to each interval."
const FIRST_MERGE = "Set the time from joining to the first round."
const MERGE_PEERS = "Set how many peers one merge joins."

/** All options of a node and its topics, by group. */
export const Options = Schema.Struct({
  profile: ours(
    "topic",
    literal(
      "fast",
      ["fast", "reference"],
      "Choose the timing. `fast`: short waits between the first lookups, fewer publish rounds in a large swarm, an early merge, lost neighbours are dialled again. `reference`: the timing of the crate, which has none of these.",
    ),
  ),
  bootstrap: Schema.Struct({
    maxBootstrapRecords: integer(
      5,
      { min: 0, max: SLOT_LIMIT },
      "Do not publish into a minute's slot that already has this many records of other nodes. 0 turns all publishing off.",
    ),
    publishRecordOnStartup: boolean(
      true,
      "Publish a first record as soon as the nearest DHT nodes have answered the first lookup. With false, publish only after a lookup.",
    ),
    checkOlderRecordsFirstOnStartup: boolean(
      false,
      "Read the two minutes before the current one in the first round. This finds a running topic sooner, and a starting topic later.",
    ),
    noPeersRetryInterval: positiveDuration("1500 millis", "Wait this long after a lookup that found no record."),
    perPeerJoinSettleTime: duration("100 millis", "Wait this long after dialling one peer before dialling the next."),
    joinConfirmationWaitTime: duration(
      "500 millis",
      "Give dialled peers this long to become neighbours before the next lookup.",
    ),
    discoveryPollInterval: positiveDuration(
      "2 seconds",
      "Wait this long after a lookup that found peers of which none joined.",
    ),
  }),
  publisher: Schema.Struct({
    enabled: boolean(true, "Publish records with neighbours and last messages while joined."),
    initialDelay: duration("10 seconds", "Set the time from joining to the first such record."),
    baseInterval: positiveDuration("10 seconds", BASE_INTERVAL),
    maxJitter: duration("50 seconds", MAX_JITTER),
    failTopicCreationOnPublishingStartupFailure: boolean(true, FAIL_ON_START),
  }),
  bubbleMerge: Schema.Struct({
    enabled: boolean(
      true,
      "While there are few neighbours, search for nodes of the topic in another swarm, and join them.",
    ),
    initialInterval: duration("30 seconds", FIRST_MERGE),
    baseInterval: positiveDuration("60 seconds", BASE_INTERVAL),
    maxJitter: duration("120 seconds", MAX_JITTER),
    minNeighbors: integer(4, { min: 0, max: PEER_LIMIT }, "Skip the round with this many neighbours or more."),
    maxJoinPeers: integer(2, { min: 1, max: PEER_LIMIT }, MERGE_PEERS),
    failTopicCreationOnMergeStartupFailure: boolean(true, FAIL_ON_START),
  }),
  messageOverlapMerge: Schema.Struct({
    enabled: boolean(
      true,
      "Search for records whose last messages differ from ours, a sign of a partition, and join their peers.",
    ),
    initialInterval: duration("30 seconds", FIRST_MERGE),
    baseInterval: positiveDuration("60 seconds", BASE_INTERVAL),
    maxJitter: duration("120 seconds", MAX_JITTER),
    maxJoinPeers: integer(2, { min: 1, max: PEER_LIMIT }, MERGE_PEERS),
    failTopicCreationOnMergeStartupFailure: boolean(true, FAIL_ON_START),
  }),
  dht: Schema.Struct({
    retries: integer(3, { min: 0, max: 100 }, "Retry a failed put this many times."),
    baseRetryInterval: positiveDuration("5 seconds", "Set the minimum time before a put is retried."),
    maxRetryJitter: duration("10 seconds", "Set the maximum random time that is added to it."),
    putTimeout: positiveDuration("10 seconds", "Limit the time of one put."),
    getTimeout: positiveDuration("10 seconds", "Limit the time of one lookup."),
    bootstrap: ours(
      "node",
      addresses(
        "Start from these DHT nodes. Default: the public mainline nodes. With loopback addresses only, the node binds its sockets to loopback.",
      ),
    ),
    knownNodes: ours(
      "node",
      knownNodes("Ask these DHT nodes of an earlier run too (`Dht.snapshot` returns them), for a faster start."),
    ),
    nodesFile: ours("node", path("Keep the known DHT nodes in this file, a few KB, so that the next start is faster.")),
    host: ours(
      "node",
      localHost(
        "Bind the DHT's UDP socket to this address. Default: 127.0.0.1 with loopback bootstrap nodes only, else all addresses.",
      ),
    ),
    port: ours(
      "node",
      integer(0, { min: 0, max: 65_535 }, "Bind the DHT's UDP socket to this port. 0 takes a free one."),
    ),
    readOnly: ours(
      "node",
      boolean(
        false,
        "Use the DHT without serving others (BEP 43): for nodes with little bandwidth or behind a strict firewall.",
      ),
    ),
  }),
  timeouts: Schema.Struct({
    joinPeer: positiveDuration("5 seconds", "Limit the time of a request to join peers."),
    broadcast: positiveDuration("5 seconds", "Limit the time of a broadcast to the swarm."),
    broadcastNeighbors: positiveDuration("5 seconds", "Limit the time of a broadcast to the neighbours."),
  }),
  join: Schema.Struct({
    maxJoinPeerCount: integer(
      4,
      { min: 1, max: PEER_LIMIT },
      "Dial at most this many peers from records at the same time.",
    ),
  }),
  subscribers: Schema.Struct({
    capacity: ours(
      "topic",
      integer(64, { min: 1, max: 1_048_576 }, "Queue this many events for one subscriber before it counts as slow."),
    ),
    whenSlow: ours(
      "topic",
      literal(
        "drop-oldest",
        ["drop-oldest", "backpressure"],
        "Choose what happens with a slow subscriber. `drop-oldest`: it loses the oldest events and gets one `Lagged` event. `backpressure`: the topic waits for it.",
      ),
    ),
  }),
  network: Schema.Struct({
    relays: ours(
      "node",
      relays(
        "Choose the relays for peers that cannot be reached directly. `public`: the relays and the discovery of iroh's makers, unless all bootstrap nodes are loopback. URLs: these relays in their place, also with loopback bootstrap nodes.",
      ),
    ),
    publishPrivateAddresses: ours(
      "node",
      boolean(false, "Publish loopback and private addresses too: for testnets and local networks."),
    ),
    publishAddressPacket: ours(
      "node",
      boolean(
        true,
        "Publish this node's addresses in the DHT under its key. With false only records and gossip carry them: nodes of the crate then find this node by iroh's discovery or not at all, and DHT nodes cannot link its key with its IP address.",
      ),
    ),
    addressRepublishInterval: ours(
      "node",
      positiveDuration("1 hour", "Publish this node's addresses again after this time if they have not changed."),
    ),
  }),
})

/** Every option with its value. */
export type Values = typeof Options.Type
