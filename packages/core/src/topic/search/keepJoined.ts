/** Keeps a topic joined: searches for a first neighbour, and again whenever the last neighbour is gone. */
import { Effect } from "effect"
import type { SessionContext } from "../SessionContext.ts"
import type { Search } from "./Search.ts"

/** If the neighbours stayed shorter than this, the next search goes on where the last one ended: no hot loop with a peer that hangs up. */
const STEADY_AFTER_MS = 10_000

/** Never ends by itself. Runs `onJoined` once, after the first search; only `onJoined` can fail it. */
export const keepJoined = Effect.fnUntraced(function* <E>(
  { activity, swarm, timers }: SessionContext,
  search: Search,
  onJoined: Effect.Effect<void, E>,
) {
  let hasJoined = false
  while (true) {
    yield* search.run()
    if (!hasJoined) yield* onJoined
    hasJoined = true
    const joinedAt = timers.now()
    yield* swarm.alone.await
    yield* activity.report({ _tag: "Alone" })
    if (timers.now() - joinedAt >= STEADY_AFTER_MS) search.reset()
  }
})
