import { Note } from "@topic-tracker/crypto/members"
import { PresenceLimits, PresenceState } from "@topic-tracker/presence/stateMachine"

// The protocol alone: notes, whispers and the time go in, outputs come out. Nothing is really signed here.
const state = new PresenceState(
  {
    self: "00".repeat(32),
    random: () => 0.5,
    wall: () => 0,
    sign: (kind, stamp, body) => Note.unsigned(kind, new Uint8Array(32), stamp, body),
    verify: () => true,
    admits: () => true,
    state: new Uint8Array(0),
  },
  0,
)
console.log(state.stats.refused) // → 0
console.log(PresenceLimits.MAX_MEMBERS) // → 20000
