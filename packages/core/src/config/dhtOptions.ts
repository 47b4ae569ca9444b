/**
 * What a topic's configuration means for the DHT client that all topics of a process share.
 */
import { DhtConfig } from "@topic-tracker/dht"
import type { TopicConfig } from "./TopicConfig.ts"

/**
 * The options of `Dht.layer` for this configuration. The client itself does not retry: a topic's publisher does, by the same
 * options, and two who retry would multiply.
 */
export const dhtOptions = ({ dht }: TopicConfig): Partial<DhtConfig.DhtOptions> => ({
  ...(dht.bootstrap.length === 0 ? {} : { bootstrap: dht.bootstrap }),
  ...(dht.host === "" ? {} : { host: dht.host }),
  port: dht.port,
  ...(dht.nodesFile === "" ? {} : { nodesFile: dht.nodesFile }),
  getTimeout: dht.getTimeout,
  putTimeout: dht.putTimeout,
  retries: 0,
})

/** Whether only nodes of this host are bootstrapped from: then nothing outside it is to be touched. */
export const isLoopbackOnly = ({ dht }: TopicConfig): boolean => DhtConfig.isLoopbackOnly(dht.bootstrap)
