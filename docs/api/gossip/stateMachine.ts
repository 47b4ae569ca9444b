import { defaultConfig } from "@topic-tracker/gossip/protocol-config"
import { GossipState, Xoshiro128 } from "@topic-tracker/gossip/stateMachine"

// The protocol alone: events go in, actions come out. Here a peer is any text.
const node = new GossipState<string>({
  me: "ada",
  peerData: new Uint8Array(0),
  config: defaultConfig,
  rng: new Xoshiro128(1),
})
console.log(node.me) // → ada
