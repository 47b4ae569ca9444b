/**
 * 1,000 tries of outsiders who know the name of a members-only topic, its members, its gossip id, and recorded bytes: doors with wrong, replayed and
 * reflected proofs, frames without a door, members lured to dial, nodes with another secret. The members are in memory.
 */
import { Effect } from "effect"
import { type Attack, atLeast, atMost } from "../harness/Attack.ts"
import { runOutsiders } from "../outsiders/runOutsiders.ts"

export const outsiders: Attack = {
  name: "outsiders",
  about: "1,000 tries to read, to speak in, or to join a members-only topic",
  run: Effect.fnUntraced(function* (scale) {
    const figures = yield* runOutsiders(scale.pick(50, 5), 1)
    return [
      atLeast("tries", figures.attempts, "", scale.pick(1_000, 100)),
      atMost("plaintext", figures.plaintextBytes, "B", 0),
      atMost("delivered", figures.delivered, "", 0),
      atMost("neighbours", figures.neighbors, "", 0),
      atLeast("members hear", figures.honest * 100, "%", 99),
    ]
  }),
}
