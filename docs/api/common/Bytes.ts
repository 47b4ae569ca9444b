import { concat, equals, fromHex, toHex, u64be } from "@topic-tracker/common/Bytes"

const bytes = concat(fromHex("00ff"), u64be(1n))
console.log(toHex(bytes)) // → 00ff0000000000000001
console.log(equals(bytes, fromHex("00ff"))) // → false
