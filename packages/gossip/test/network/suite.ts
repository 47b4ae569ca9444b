/** The tests that gossip must pass over every transport. */
import { describe } from "@effect/vitest"
import { barePeers } from "./suite/barePeers.ts"
import { joining } from "./suite/joining.ts"
import { messages } from "./suite/messages.ts"
import { protocols } from "./suite/protocols.ts"
import type { Runner } from "./world.ts"

export const suite = (transport: string, it: Runner): void => {
  describe(`gossip over ${transport}`, () => {
    joining(it)
    messages(it)
    barePeers(it)
    protocols(it)
  })
}
