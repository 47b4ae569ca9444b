/** Every option of a topic with its default. Copy the options that you want to change. */
import type { TopicConfig } from "@topic-tracker/core"

/** All groups and options. A missing one below does not compile. */
type Complete = Every<{ readonly [G in keyof Input]-?: Every<NonNullable<Input[G]>> }>
type Every<T> = T extends string ? T : { readonly [K in keyof T]-?: NonNullable<T[K]> }
type Input = TopicConfig.TopicConfigInput

/** Durations are text with a unit, numbers of milliseconds, or Effect Durations. */
export const everyOption: Complete = {
  // This library's timing; "reference" is the timing of the Rust crate.
  profile: "fast",
  // The search for the first neighbor.
  bootstrap: {
    maxBootstrapRecords: 5,
    publishRecordOnStartup: true,
    checkOlderRecordsFirstOnStartup: false,
    noPeersRetryInterval: "1500 millis",
    perPeerJoinSettleTime: "100 millis",
    joinConfirmationWaitTime: "500 millis",
    discoveryPollInterval: "2 seconds",
  },
  // After the join, new records of this node keep the topic findable.
  publisher: {
    enabled: true,
    initialDelay: "10 seconds",
    baseInterval: "10 seconds",
    maxJitter: "50 seconds",
    failTopicCreationOnPublishingStartupFailure: true,
  },
  // Finds other swarms of the topic through their records, and merges with them.
  bubbleMerge: {
    enabled: true,
    initialInterval: "30 seconds",
    baseInterval: "1 minute",
    maxJitter: "2 minutes",
    minNeighbors: 4,
    maxJoinPeers: 2,
    failTopicCreationOnMergeStartupFailure: true,
  },
  // Finds partitions of the swarm by the message hashes in records, and merges them.
  messageOverlapMerge: {
    enabled: true,
    initialInterval: "30 seconds",
    baseInterval: "1 minute",
    maxJitter: "2 minutes",
    maxJoinPeers: 2,
    failTopicCreationOnMergeStartupFailure: true,
  },
  // The DHT client of all topics of the process. Without bootstrap nodes it asks the public ones. An empty host: loopback if all
  // bootstrap nodes are on loopback, else all interfaces.
  dht: {
    retries: 3,
    baseRetryInterval: "5 seconds",
    maxRetryJitter: "10 seconds",
    putTimeout: "10 seconds",
    getTimeout: "10 seconds",
    bootstrap: [],
    knownNodes: [],
    nodesFile: "",
    host: "",
    port: 0,
    readOnly: false,
  },
  timeouts: {
    joinPeer: "5 seconds",
    broadcast: "5 seconds",
    broadcastNeighbors: "5 seconds",
  },
  join: {
    maxJoinPeerCount: 4,
  },
  // When a subscriber is too slow: drop its oldest events and report that ("drop-oldest"), or stop reading ("backpressure").
  subscribers: {
    capacity: 64,
    whenSlow: "drop-oldest",
  },
  network: {
    // "public", "none", or a list of URLs.
    relays: "public",
    publishPrivateAddresses: false,
    publishAddressPacket: true,
    addressRepublishInterval: "1 hour",
  },
}
