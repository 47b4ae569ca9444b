/** The command `testnet`: a DHT of real nodes on loopback that runs until it is interrupted. */

import { withExamples } from "@topic-tracker/cli-kit/examples"
import { integer, port } from "@topic-tracker/cli-kit/flags"
import { UsageError } from "@topic-tracker/cli-kit/runCommand"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { summaries } from "./summaries.ts"

export const testnetCommand = Command.make(
  "testnet",
  {
    nodes: integer("nodes", "The number of nodes, 1 to 1000 (default 20)", 1, 1000).pipe(Flag.withDefault(20)),
    port: port("The first node's UDP port on 127.0.0.1; 0 takes any free port (default 6881)", 6881),
  },
  Effect.fn("testnet")(
    function* ({ nodes, port }) {
      const { addresses } = yield* DhtTestnet.make({ nodes, port }).pipe(
        Effect.mapError((error) => new UsageError({ message: `--port: ${error.message}` })),
      )
      yield* Console.log(`ready ${addresses.length} ${addresses[0]?.port}`)
      return yield* Effect.never
    },
    Effect.scoped,
    Effect.provide(Crypto.layer()),
  ),
).pipe(
  Command.withDescription("Run an embedded DHT testnet on loopback until interrupted; prints `ready NODES PORT`."),
  Command.withShortDescription(summaries.testnet),
  withExamples(["--nodes 20 --port 6881", "Then use --bootstrap 127.0.0.1:6881"]),
)
