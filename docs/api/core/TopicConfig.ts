import * as TopicConfig from "@topic-tracker/core/TopicConfig"
import { ConfigProvider, Effect } from "effect"

const environment = ConfigProvider.fromEnv({ env: { TOPIC_TRACKER_PUBLISHER_BASE_INTERVAL: "20 seconds" } })
const config = await Effect.runPromise(
  TopicConfig.config.pipe(Effect.provideService(ConfigProvider.ConfigProvider, environment)),
)
console.log(String(config.publisher.baseInterval)) // → 20000 millis
console.log(TopicConfig.environmentName("dht.nodesFile")) // → TOPIC_TRACKER_DHT_NODES_FILE
