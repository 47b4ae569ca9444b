import { canonical, format, parse, reachOfText } from "@topic-tracker/common/SocketAddress"

const address = parse("192.168.1.7:4000")
if (address !== undefined) console.log(format(address)) // → 192.168.1.7:4000
console.log(reachOfText("192.168.1.7:4000")) // → private
console.log(canonical("not an address")) // → undefined
