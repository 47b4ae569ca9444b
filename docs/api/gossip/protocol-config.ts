import { defaultConfig, ProtocolConfig } from "@topic-tracker/gossip/protocol-config"
import { Schema } from "effect"

console.log(defaultConfig.membership.activeViewCapacity) // → 5
const wider = Schema.decodeSync(ProtocolConfig)({ membership: { activeViewCapacity: 7 } })
console.log(wider.membership.activeViewCapacity) // → 7
