/** The options of the DHT client that all topics of a node share. */
import { DhtConfig } from "@topic-tracker/dht"
import type { TopicConfig } from "./types.ts"

/**
 * The options of `Dht.layer` for this configuration. The client does not retry: a topic's publisher does, with the same
 * options, and retries at two levels would multiply.
 *
 * @since 0.1.0
 * @category operations
 */
export const dhtOptions = ({ dht }: TopicConfig): Partial<DhtConfig.DhtOptions> => ({
  ...(dht.bootstrap.length === 0 ? {} : { bootstrap: dht.bootstrap }),
  ...(dht.host === "" ? {} : { host: dht.host }),
  ...(dht.nodesFile === "" ? {} : { nodesFile: dht.nodesFile }),
  knownNodes: dht.knownNodes,
  port: dht.port,
  readOnly: dht.readOnly,
  getTimeout: dht.getTimeout,
  putTimeout: dht.putTimeout,
  retries: 0,
})

/**
 * Whether the DHT client starts from nodes of this host only. Then every socket of the node stays on this host.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isLoopbackOnly = (config: TopicConfig): boolean =>
  DhtConfig.isLoopbackOnly(dhtOptions(config).bootstrap ?? DhtConfig.defaults.bootstrap)
