import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { generatedFiles } from "../../../../scripts/configFiles.ts"
import * as TopicConfig from "../../src/config/index.ts"
import type { Options } from "../../src/config/schema.ts"

/** Does not compile where the generated types and the schema's own differ. */
export const sameTypes: {
  readonly generated: (values: typeof Options.Type) => TopicConfig.TopicConfig
  readonly schema: (config: TopicConfig.TopicConfig) => typeof Options.Type
  readonly input: (input: TopicConfig.TopicConfigInput) => Partial<OrUndefined<typeof Options.Encoded>>
} = { generated: (values) => values, schema: (config) => config, input: (input) => input }

type OrUndefined<T> = { readonly [K in keyof T]: T[K] | undefined }

describe("the documentation of the options", () => {
  for (const [path, text] of generatedFiles()) {
    it(`${path} is generated from the options (write it with scripts/configTable.ts)`, () => {
      assert.strictEqual(readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8"), text)
    })
  }

  it("has all 34 options of the crate, and at most 14 of ours", () => {
    const [ours, crates] = [true, false].map((isOurs) =>
      TopicConfig.describe().flatMap((row) => (row.isOurs === isOurs ? [row.option] : [])),
    )
    // distributed-topic-tracker 0.3.5, src/config.rs; `enabled` stands for its enums' Disabled.
    assert.deepStrictEqual(crates, [
      "bootstrap.maxBootstrapRecords",
      "bootstrap.publishRecordOnStartup",
      "bootstrap.checkOlderRecordsFirstOnStartup",
      "bootstrap.noPeersRetryInterval",
      "bootstrap.perPeerJoinSettleTime",
      "bootstrap.joinConfirmationWaitTime",
      "bootstrap.discoveryPollInterval",
      "publisher.enabled",
      "publisher.initialDelay",
      "publisher.baseInterval",
      "publisher.maxJitter",
      "publisher.failTopicCreationOnPublishingStartupFailure",
      "bubbleMerge.enabled",
      "bubbleMerge.initialInterval",
      "bubbleMerge.baseInterval",
      "bubbleMerge.maxJitter",
      "bubbleMerge.minNeighbors",
      "bubbleMerge.maxJoinPeers",
      "bubbleMerge.failTopicCreationOnMergeStartupFailure",
      "messageOverlapMerge.enabled",
      "messageOverlapMerge.initialInterval",
      "messageOverlapMerge.baseInterval",
      "messageOverlapMerge.maxJitter",
      "messageOverlapMerge.maxJoinPeers",
      "messageOverlapMerge.failTopicCreationOnMergeStartupFailure",
      "dht.retries",
      "dht.baseRetryInterval",
      "dht.maxRetryJitter",
      "dht.putTimeout",
      "dht.getTimeout",
      "timeouts.joinPeer",
      "timeouts.broadcast",
      "timeouts.broadcastNeighbors",
      "join.maxJoinPeerCount",
    ])
    assert.deepStrictEqual(ours, [
      "profile",
      "dht.bootstrap",
      "dht.knownNodes",
      "dht.nodesFile",
      "dht.host",
      "dht.port",
      "dht.readOnly",
      "subscribers.capacity",
      "subscribers.whenSlow",
      "network.relays",
      "network.publishPrivateAddresses",
      "network.publishAddressPacket",
      "network.addressRepublishInterval",
    ])
    assert.isAtMost(ours!.length, 14)
  })

  it("has a row for each option, with its unit and its environment variable", () => {
    const { profile, ...groups } = TopicConfig.defaults
    assert.strictEqual(profile, "fast")
    const count = Object.values(groups).reduce((sum, group) => sum + Object.keys(group).length, 1)
    assert.strictEqual(TopicConfig.markdownTable().split("\n").length, count + 2)
    assert.include(
      TopicConfig.describe().map((row) => `${row.option} ${row.default} ${row.environment}`),
      "bootstrap.noPeersRetryInterval 1.5 s TOPIC_TRACKER_BOOTSTRAP_NO_PEERS_RETRY_INTERVAL",
    )
    for (const { allowed, default: standard, description } of TopicConfig.describe()) {
      assert.notInclude([allowed, standard, description], "undefined")
    }
  })
})
