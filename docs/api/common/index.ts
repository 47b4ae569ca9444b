import { Bytes, SocketAddress, TokenBucket } from "@topic-tracker/common"

const address = SocketAddress.parse("127.0.0.1:6881")
if (address !== undefined) console.log(SocketAddress.reachOf(address.ip)) // → loopback

const budget = new TokenBucket(2, 1)
console.log([budget.take(0), budget.take(0), budget.take(0)]) // → [ true, true, false ]

console.log(Bytes.toHex(Bytes.u64le(258n))) // → 0201000000000000
