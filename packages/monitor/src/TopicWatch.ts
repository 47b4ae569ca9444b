/**
 * Watches one topic of the node until it ends: its activity, and what happens to its members if the program has a presence there.
 */
import type { MembersSource, TopicView } from "@topic-tracker/core"
import { Clock, Effect, Fiber, Stream } from "effect"
import { describeActivity, describeMember } from "./describeActivity.ts"
import type { Recorder } from "./Recorder.ts"

/** From one look for a presence to the next: it opens after its topic, and again after a suspend. */
const LOOK_EVERY = "1 second"

export const watchTopic = (view: TopicView, recorder: Recorder): Effect.Effect<void> => {
  const topic = view.id.hex
  const watchActivity = Stream.runForEach(view.activity, (activity) =>
    Effect.sync(() => {
      const line = { at: activity.at, ...describeActivity(activity) }
      if (activity._tag === "Joined") recorder.joined(topic, activity.millis)
      recorder.addActivity(topic, line, activity._tag === "Refused" ? activity.peer : undefined)
    }),
  )

  const watchSource = Effect.fnUntraced(function* (source: MembersSource) {
    let isFirst = true
    yield* Stream.runForEachArray(source.changes, (changes) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        // The first ones are the members that were here before.
        if (isFirst)
          recorder.addMemberChange(topic, {
            at,
            level: "info",
            text: changes.length === 1 ? "1 is here" : `${changes.length} are here`,
          })
        else {
          for (const change of changes) {
            const said = describeMember(change)
            if (said !== undefined) recorder.addMemberChange(topic, { at, ...said })
          }
        }
        isFirst = false
      }),
    )
  })

  const watchMembers = Effect.gen(function* () {
    let known: MembersSource | undefined
    let fiber: Fiber.Fiber<void> | undefined
    for (;;) {
      const source = yield* view.members
      if (source !== known) {
        if (fiber !== undefined) yield* Fiber.interrupt(fiber)
        fiber = source === undefined ? undefined : yield* Effect.forkChild(watchSource(source))
        known = source
      }
      recorder.forgetRefusals(topic, yield* view.neighbors)
      yield* Effect.sleep(LOOK_EVERY)
    }
  })

  return Effect.suspend(() => {
    recorder.opened(topic)
    return Effect.raceFirst(watchActivity, watchMembers)
  })
}
