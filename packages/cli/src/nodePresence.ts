/** Presence in the command `node`: the option, and what it prints of the members. */

import type { Topic } from "@topic-tracker/core"
import { Effect, Schema, Stream } from "effect"
import { Flag } from "effect/cli"
import type { NodeOutput } from "./nodeEvents.ts"

/** A state is any JSON value; it is sent as its text. */
const State = Schema.fromJsonString(Schema.Unknown)
const MAX_STATE_BYTES = 256

export const presenceFlag = Flag.String("presence").pipe(
  Flag.filter(isState, () => `JSON of at most ${MAX_STATE_BYTES - 8} bytes, such as '{"name":"Ada"}'`),
  Flag.withDescription("Show this JSON as our state to all members, and print the members; needs --access members"),
  Flag.optional,
)

function isState(text: string): boolean {
  try {
    return new TextEncoder().encode(JSON.stringify(JSON.parse(text))).length <= MAX_STATE_BYTES - 8
  } catch {
    return false
  }
}

const CHANGES = { Joined: "joined", Updated: "updated", Left: "left", Lost: "lost" } as const

/** Takes part in the topic's presence, and prints each change of a member, also of this node, until the scope closes. */
export const showMembers = Effect.fnUntraced(function* (topic: Topic.Topic, state: string, output: NodeOutput) {
  // Loaded only when it is wanted: the node starts earlier without it.
  const { Presence } = yield* Effect.promise(() => import("@topic-tracker/presence"))
  const presence = yield* Presence.make(topic, {
    schema: State,
    state: JSON.parse(state),
    maxStateBytes: MAX_STATE_BYTES,
  })
  yield* presence.changes.pipe(
    Stream.runForEach(({ _tag, member }) =>
      _tag === "Suspected"
        ? Effect.void
        : output.printEvent({ event: "member", member: member.id, change: CHANGES[_tag], state: member.state }),
    ),
    Effect.forkScoped,
  )
})
