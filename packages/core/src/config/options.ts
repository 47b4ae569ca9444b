/**
 * Every option of a topic, once. The type `TopicConfig`, the defaults, the checks, the reader from the environment and the
 * table in the README are derived from this table. Names and defaults follow distributed-topic-tracker 0.3.5 `src/config.rs`
 * where it has the option.
 */
import {
  addresses,
  boolean,
  duration,
  integer,
  literal,
  localHost,
  path,
  positiveDuration,
  relayUrls,
} from "./option.ts"

/** As many nodes hold a slot (BEP 5, k = 20 here), so no more records than this ever show. */
const SLOT_LIMIT = 20
/** HyParView's active view and a record's list of peers both end at 5: there is no room for more. */
const PEER_LIMIT = 5

const FAIL_ON_START = "Whether the topic fails when this worker cannot start; otherwise it goes on without."

export const options = {
  bootstrap: {
    maxBootstrapRecords: integer(
      5,
      { min: 0, max: SLOT_LIMIT },
      "Nothing is published into a minute's slot that shows this many records of others; 0 turns all publishing off.",
    ),
    publishRecordOnStartup: boolean(true, "Publish a first record at once, before the first look into the DHT."),
    checkOlderRecordsFirstOnStartup: boolean(
      false,
      "Read the two minutes before the current one in the first round: finds running topics sooner, cold starts later.",
    ),
    noPeersRetryInterval: positiveDuration("1500 millis", "The wait before the next look when no record was found."),
    perPeerJoinSettleTime: duration("100 millis", "The head start a dialled peer has before the next one is dialled."),
    joinConfirmationWaitTime: duration(
      "500 millis",
      "How long dialled peers have to become neighbours before the next look.",
    ),
    discoveryPollInterval: positiveDuration(
      "2 seconds",
      "The wait before the next look when peers were found but none joined.",
    ),
  },
  publisher: {
    enabled: boolean(true, "Publish records of neighbours and last messages while joined."),
    initialDelay: duration("10 seconds", "The wait before the first record after joining."),
    baseInterval: positiveDuration("10 seconds", "The least time between records; below 1 s counts as 1 s."),
    maxJitter: duration("50 seconds", "The most that chance adds to each interval."),
    failTopicCreationOnPublishingStartupFailure: boolean(true, FAIL_ON_START),
  },
  bubbleMerge: {
    enabled: boolean(true, "Look for nodes of the topic that are not reached while there are few neighbours."),
    initialInterval: duration("30 seconds", "The wait before the first look after joining."),
    baseInterval: positiveDuration("60 seconds", "The least time between looks; below 1 s counts as 1 s."),
    maxJitter: duration("120 seconds", "The most that chance adds to each interval."),
    minNeighbors: integer(4, { min: 0, max: PEER_LIMIT }, "With this many neighbours or more nothing is done."),
    maxJoinPeers: integer(2, { min: 1, max: PEER_LIMIT }, "How many peers one merge joins."),
    failTopicCreationOnMergeStartupFailure: boolean(true, FAIL_ON_START),
  },
  messageOverlapMerge: {
    enabled: boolean(true, "Look for records with other messages than ours, the sign of a split."),
    initialInterval: duration("30 seconds", "The wait before the first look after joining."),
    baseInterval: positiveDuration("60 seconds", "The least time between looks; below 1 s counts as 1 s."),
    maxJitter: duration("120 seconds", "The most that chance adds to each interval."),
    maxJoinPeers: integer(2, { min: 1, max: PEER_LIMIT }, "How many peers one merge joins."),
    failTopicCreationOnMergeStartupFailure: boolean(true, FAIL_ON_START),
  },
  dht: {
    retries: integer(3, { min: 0, max: 100 }, "How often a failed put is tried again."),
    baseRetryInterval: positiveDuration("5 seconds", "The least time before a put is tried again."),
    maxRetryJitter: duration("10 seconds", "The most that chance adds to it."),
    putTimeout: positiveDuration("10 seconds", "How long one put may take."),
    getTimeout: positiveDuration("10 seconds", "How long one walk that reads a slot may take."),
    bootstrap: addresses([], "DHT nodes to start from; with none, the public mainline ones."),
    host: localHost("Where the DHT's UDP socket is bound: loopback when all bootstrap nodes are, else all addresses."),
    port: integer(0, { min: 0, max: 65535 }, "Its UDP port; 0 takes any that is free."),
    nodesFile: path("A file that keeps the DHT nodes known, a few KB, so that the next start is a warm one."),
  },
  timeouts: {
    joinPeer: positiveDuration("5 seconds", "How long the request to join peers may take."),
    broadcast: positiveDuration("5 seconds", "How long a broadcast to the swarm may take."),
    broadcastNeighbors: positiveDuration("5 seconds", "How long a broadcast to the neighbours may take."),
  },
  join: {
    maxJoinPeerCount: integer(
      4,
      { min: 1, max: PEER_LIMIT },
      "How many peers found in records are dialled at the same time.",
    ),
  },
  subscribers: {
    capacity: integer(
      64,
      { min: 1, max: 1_048_576 },
      "How many events wait for one subscriber before it counts as slow.",
    ),
    whenSlow: literal(
      "drop-oldest",
      ["drop-oldest", "backpressure"],
      "What happens when a subscriber is slow: the oldest events are dropped and the subscriber gets a Lagged event, or the topic stops reading until the subscriber has read.",
    ),
  },
  network: {
    relays: boolean(
      true,
      "Use relays for peers that cannot be reached directly: iroh's public ones and its discovery beside the DHT, but not with loopback bootstrap nodes only.",
    ),
    relayUrls: relayUrls("Relays of your own, in place of iroh's public ones and its discovery."),
    publishPrivateAddresses: boolean(
      false,
      "Publish loopback and private addresses too: for testnets and local networks.",
    ),
    addressRepublishInterval: positiveDuration(
      "1 hour",
      "How often our own addresses are published again when they do not change.",
    ),
  },
} as const
