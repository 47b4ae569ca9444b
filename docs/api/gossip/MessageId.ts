import { ofContent, toHex } from "@topic-tracker/gossip/MessageId"

// The id of a message is the BLAKE3 hash of its content: equal content is one message.
const id = ofContent(new TextEncoder().encode("hello"))
console.log(toHex(id).slice(0, 16)) // → ea8f163db3868292
