import * as EndpointId from "@topic-tracker/core/EndpointId"
import { Option, Schema } from "effect"

const read = Schema.decodeUnknownOption(EndpointId.EndpointId)
console.log(Option.isSome(read("ab".repeat(32)))) // → true
console.log(Option.isSome(read("no key"))) // → false
