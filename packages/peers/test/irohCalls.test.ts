/** RPC between peers over iroh endpoints on loopback. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { calls } from "./suite/calls.ts"
import { effectRpc } from "./suite/effectRpc.ts"
import { makeIrohWorld, type Runner } from "./world.ts"

const run: Runner = (name, test) => it.live(name, () => Effect.flatMap(makeIrohWorld(), test))

describe("rpc between peers over iroh", () => {
  // The format of the messages does not concern the transport.
  calls(run, ["schema binary"])
  effectRpc(run)
})
