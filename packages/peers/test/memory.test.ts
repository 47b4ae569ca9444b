/** Peer streams over the network in memory, under TestClock. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { access } from "./suite/access.ts"
import { calls } from "./suite/calls.ts"
import { effectRpc } from "./suite/effectRpc.ts"
import { sockets } from "./suite/sockets.ts"
import { makeMemoryWorld, type Runner } from "./world.ts"

const run: Runner = (name, test) =>
  it.effect(name, () => Effect.flatMap(makeMemoryWorld({ link: () => ({ delayMs: 5 }) }), test))

describe("peer streams in memory", () => {
  sockets(run)
  access(run)
  calls(run)
  effectRpc(run)
})
