import { isLoopbackOnly, parseAddress, resolve } from "@topic-tracker/dht/DhtConfig"
import { Effect } from "effect"

const options = await Effect.runPromise(resolve({ bootstrap: [{ host: "127.0.0.1", port: 6881 }], readOnly: true }))
console.log(isLoopbackOnly(options.bootstrap)) // → true
console.log(parseAddress("no port")) // → undefined
