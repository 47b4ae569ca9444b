/** A channel of texts in the command `node`: the option, and what the channel prints. */

import type { Channel, Topic } from "@topic-tracker/core"
import { Effect, Schema, Stream } from "effect"
import { Flag } from "effect/cli"
import type { NodeOutput } from "./nodeEvents.ts"

const MAX_NAME_BYTES = 64

export const channelFlag = Flag.String("channel").pipe(
  Flag.filter(
    // Before anything is started. `topic.channel` would say the same, but only in a joined topic.
    (name) => name !== "" && new TextEncoder().encode(name).length <= MAX_NAME_BYTES,
    () => `a name of 1 to ${MAX_NAME_BYTES} bytes of UTF-8`,
  ),
  Flag.withDescription("Send and print texts of this channel, each with its proven author; needs --access members"),
  Flag.optional,
)

/** Opens the channel, with the default codec for its texts, and prints its events until the scope closes. */
export const openTextChannel = Effect.fnUntraced(function* (topic: Topic.Topic, name: string, output: NodeOutput) {
  const channel: Channel<string> = yield* topic.channel(name, Schema.String)
  const { printEvent } = output
  yield* channel.events.pipe(
    Stream.runForEach((event) => {
      switch (event._tag) {
        case "Received":
          return printEvent({
            event: "channel",
            channel: name,
            author: event.author,
            seq: event.seq,
            text: event.value,
          })
        case "Missed":
          return printEvent({ event: "missed", channel: name, author: event.author, from: event.from, to: event.to })
        case "Undecodable":
          return printEvent({ event: "undecodable", channel: name, author: event.author, seq: event.seq })
        case "Lagged":
          return printEvent({ event: "lagged", skipped: event.skipped })
      }
    }),
    Effect.forkScoped,
  )
  return channel
})
