import { PartAssembly, STORE_MS } from "@topic-tracker/gossip/members"

// The parts of members-only topics; programs use Topic.channel of @topic-tracker/core.
console.log(typeof PartAssembly) // → function
console.log(STORE_MS) // → 120000
