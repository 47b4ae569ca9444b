/** Keeps a topic joined: searches for a first neighbour, and again whenever the last neighbour is gone. */
import { firstOf } from "@topic-tracker/common"
import { Effect, Random } from "effect"
import type { SessionContext } from "../SessionContext.ts"
import type { Search } from "./Search.ts"

/** If the neighbours stayed shorter than this, the next search goes on where the last one ended: no hot loop with a peer that hangs up. */
const STEADY_AFTER_MS = 10_000

/**
 * A node whose neighbours give its place away again and again finds a swarm without free places: where few nodes can be dialled, for
 * example. It looks again later each time, in ms. Gossip asks the contacts that it has meanwhile, and any peer may still dial us.
 */
const CROWDED_AFTER = 2
const FIRST_CROWDED_MS = 1_000
const MAX_CROWDED_MS = 60_000

/** Never ends by itself. Runs `onJoined` once, after the first search; only `onJoined` can fail it. */
export const keepJoined = Effect.fnUntraced(function* <E>(
  { activity, swarm, timers }: SessionContext,
  search: Search,
  onJoined: Effect.Effect<void, E>,
) {
  let hasJoined = false
  let sentAway = 0
  while (true) {
    yield* search.run(sentAway >= CROWDED_AFTER)
    if (!hasJoined) yield* onJoined
    hasJoined = true
    const joinedAt = timers.now()
    yield* swarm.alone.await
    yield* activity.report({ _tag: "Alone" })
    const stayedMs = timers.now() - joinedAt
    sentAway = swarm.isSentAway && stayedMs < MAX_CROWDED_MS ? sentAway + 1 : 0
    if (sentAway >= CROWDED_AFTER) {
      const longest = Math.min(MAX_CROWDED_MS, FIRST_CROWDED_MS * 2 ** (sentAway - CROWDED_AFTER))
      yield* firstOf(timers, [swarm.joined], longest * (yield* Random.nextBetween(0.75, 1.25)))
    } else if (stayedMs >= STEADY_AFTER_MS) search.reset()
  }
})
