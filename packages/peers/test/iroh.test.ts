/** Peer streams over iroh endpoints on loopback. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { access } from "./suite/access.ts"
import { sockets } from "./suite/sockets.ts"
import { makeIrohWorld, type Runner } from "./world.ts"

const run: Runner = (name, test) => it.live(name, () => Effect.flatMap(makeIrohWorld(), test))

describe("peer streams over iroh", () => {
  sockets(run)
  access(run)
})
