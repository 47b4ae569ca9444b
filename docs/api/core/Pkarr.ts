import * as EndpointId from "@topic-tracker/core/EndpointId"
import * as Pkarr from "@topic-tracker/core/Pkarr"

const id = EndpointId.fromBytes(new Uint8Array(32).fill(7))
const packet = Pkarr.encode(id, { relayUrl: undefined, direct: ["93.184.215.14:4000"] })
if (packet !== undefined) console.log(Pkarr.decode(id, packet)?.direct) // → [ '93.184.215.14:4000' ]
