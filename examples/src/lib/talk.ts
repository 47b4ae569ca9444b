/** Sends a greeting every 2 seconds and prints all events: the body of examples that show how to make a topic. */
import { type Topic, TopicTracker } from "@topic-tracker/core"
import { Console, Effect, Schedule, Stream } from "effect"

/** The first digits of an endpoint id, enough for people to compare. */
export const short = (endpointId: string): string => `${endpointId.slice(0, 8)}…`

/** Runs until interrupted. Fails if a greeting cannot be sent. */
export const talk = Effect.fn("talk")(function* (topic: Topic.Topic) {
  const { endpointId } = yield* TopicTracker
  yield* Console.log(`this node is ${short(endpointId)}`)
  yield* Effect.forkScoped(printEvents(topic))

  // A message reaches the nodes that are there now, so the greeting is repeated. Gossip drops content that it has seen in the last
  // 90 s, from any node: the number and the id make every greeting different.
  let number = 0
  yield* Effect.suspend(() => topic.broadcast(`hello ${++number} from ${short(endpointId)}`)).pipe(
    Effect.repeat(Schedule.spaced("2 seconds")),
  )
})

const printEvents = (topic: Topic.TopicReceiver) =>
  Stream.runForEach(topic.events, (event) => {
    switch (event._tag) {
      case "NeighborUp":
        return Console.log(`neighbor ${short(event.peer)} is up`)
      case "NeighborDown":
        return Console.log(`neighbor ${short(event.peer)} is down (${event.reason})`)
      case "Message":
        // JSON quotes it: a stranger's text can contain control sequences of the terminal. `deliveredFrom` is the neighbor that delivered
        // the message, not its author.
        return Console.log(`heard ${JSON.stringify(event.text ?? "no text")} via ${short(event.deliveredFrom)}`)
      case "Lagged":
        return Console.log(`too slow: ${event.skipped} events were lost`)
    }
  })
