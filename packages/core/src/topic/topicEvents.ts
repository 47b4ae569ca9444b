/** Makes the events of a topic's subscribers from those of gossip. */
import type { GossipEvent } from "@topic-tracker/gossip"
import { Message, type TopicEvent } from "./TopicEvent.ts"

export const toLagged = (skipped: number): TopicEvent => ({ _tag: "Lagged", skipped })

/** The event for one subscriber, which may change the content. */
export const withOwnContent = (event: TopicEvent): TopicEvent => (event._tag === "Message" ? event.copy() : event)

export const toTopicEvent = (event: GossipEvent): TopicEvent =>
  event._tag === "Received" ? new Message(event.content, event.deliveredFrom, event.scope, event.round) : event
