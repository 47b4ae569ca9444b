/** What those examples do with their topic whose point is how they come by it: say hello now and then, and tell what happens. */
import { type Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Schedule, Stream } from "effect"

/** The first digits of an endpoint id: enough for people to tell two of them apart. */
export const short = (endpointId: string): string => `${endpointId.slice(0, 8)}…`

/** Until interrupted. Fails when a hello cannot be sent. */
export const talk = Effect.fn("talk")(function* (topic: Topic.Topic) {
  const { endpointId } = yield* TopicTracker
  yield* Console.log(`this node is ${short(endpointId)}`)
  yield* Effect.forkScoped(tell(topic))

  // A message reaches those who are there, so it is said again. Gossip drops content it has seen: the number makes it differ.
  let number = 0
  yield* Effect.suspend(() => topic.broadcast(`hello ${++number} from ${short(endpointId)}`)).pipe(
    Effect.repeat(Schedule.spaced("2 seconds")),
  )
})

const tell = (topic: Topic.TopicReceiver) =>
  Stream.runForEach(topic.events, (event) => {
    switch (event._tag) {
      case "NeighborUp":
        return Console.log(`neighbour ${short(event.peer)} is up`)
      case "NeighborDown":
        return Console.log(`neighbour ${short(event.peer)} is down`)
      case "Message":
        // Quoted, because a stranger's text may hold anything, a terminal's control sequences too.
        return Console.log(`heard ${JSON.stringify(event.text ?? "no text")} by way of ${short(event.from)}`)
      case "Lagged":
        return Console.log(`too slow: ${event.skipped} events were lost`)
    }
  })
