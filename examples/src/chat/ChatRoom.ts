/**
 * A chat in a channel of a members-only topic. It knows no terminal; it reports {@link ChatEvent}s.
 *
 * The channel gives the author of each line, the order, and each line once. What is added here is who is present: a newcomer sends a
 * greeting, all members answer, and a member without a heartbeat for some time is removed.
 */
import { type Channel, type ChannelEvent, type Topic, TopicTracker } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Effect, Latch, Queue, Random, Schedule, Stream } from "effect"
import { ChatMessage, cleaned, MAX_LINE } from "./ChatMessage.ts"

const CHANNEL = "chat"
/** The interval of heartbeats. A member is removed after three missing ones. */
const HEARTBEAT_MS = 30_000
const GONE_AFTER_MS = 3 * HEARTBEAT_MS
/** A greeting is answered after a random time up to this, with one answer to all greetings until then. */
const ANSWER_WITHIN_MS = 200
/**
 * The time between our last message and the end. Gossip sends a message along some links only; along the others it sends its id,
 * and a neighbor that has not received the message asks for it. A node that leaves at once cannot answer.
 */
const LINGER_MS = 300
/** A bound, because one member can have many keys. */
const MAX_MEMBERS = 1_000

/** A member of the chat. Its id is proven, its name is what it calls itself. */
export interface Member {
  readonly id: EndpointId.EndpointId
  readonly name: string
}

/** A change in the room, for the screen. */
export type ChatEvent =
  | { readonly _tag: "Arrived"; readonly member: Member }
  | { readonly _tag: "Said"; readonly member: Member; readonly text: string }
  | { readonly _tag: "Left"; readonly member: Member; readonly reason: Departure }
  /** Messages of the member that nobody has any more. */
  | { readonly _tag: "Missed"; readonly member: Member; readonly count: number }
  /** Lines that came faster than they were printed. */
  | { readonly _tag: "Lagged"; readonly count: number }
  /** A line of ours could not be sent. */
  | { readonly _tag: "NotSent"; readonly reason: string }

/** The reason why a member is gone. */
export type Departure = "said goodbye" | "no heartbeat"

/** The room from the view of one member. */
export interface ChatRoom {
  readonly me: Member
  /** All events since the room was entered. Run it once. */
  readonly events: Stream.Stream<ChatEvent>
  /** The other known members. */
  readonly others: Effect.Effect<ReadonlyArray<Member>>
  /** Sends a line to all members; it waits while no other member is here. Ignores an empty text. */
  readonly say: (text: string) => Effect.Effect<void>
  /** The number of lines that wait. */
  readonly unsent: Effect.Effect<number>
  /** Completes when no line waits. */
  readonly allSent: Effect.Effect<void>
  /** Sends a goodbye and waits until it is delivered. Close the scope after it. */
  readonly leave: Effect.Effect<void>
}

/** Enters the room of a members-only topic. If the scope closes without {@link ChatRoom.leave}, it leaves at once. */
export const enter = Effect.fn("ChatRoom.enter")(function* (topic: Topic.Topic, name: string) {
  const channel: Channel<ChatMessage> = yield* topic.channel(CHANNEL, ChatMessage)
  const me: Member = { id: (yield* TopicTracker).endpointId, name }
  const events = yield* Queue.unbounded<ChatEvent>()
  const members = new Map<EndpointId.EndpointId, Member & { readonly heardAt: number }>()
  const hasOthers = yield* Latch.make()

  let saidGoodbye = false
  /** Sends nothing after the goodbye: an answer to a greeting would add us to all lists again. A failure is repaired by the next signal. */
  const signal = (act: "Hello" | "Here" | "Bye") =>
    Effect.suspend(() =>
      saidGoodbye && act !== "Bye"
        ? Effect.void
        : Effect.ignore(channel.publish({ name, act: { _tag: act } }, { whenAlone: "drop" })),
    )

  const greeted = yield* Latch.make()
  const answer = Effect.gen(function* () {
    yield* greeted.await
    yield* Effect.sleep(yield* Random.nextIntBetween(0, ANSWER_WITHIN_MS))
    greeted.closeUnsafe()
    yield* signal("Here")
  })

  const remove = Effect.fnUntraced(function* ({ id, name }: Member, reason: Departure) {
    members.delete(id)
    if (members.size === 0) hasOthers.closeUnsafe()
    yield* Queue.offer(events, { _tag: "Left", member: { id, name }, reason })
  })

  const receive = Effect.fnUntraced(function* (id: EndpointId.EndpointId, { name, act }: ChatMessage) {
    const known = members.get(id)
    if (known === undefined && members.size === MAX_MEMBERS) return
    if (act._tag === "Bye") return known === undefined ? undefined : yield* remove(known, "said goodbye")
    const member = { id, name }
    members.set(id, { ...member, heardAt: yield* Clock.currentTimeMillis })
    if (known === undefined) yield* Queue.offer(events, { _tag: "Arrived", member })
    yield* hasOthers.open
    if (act._tag === "Hello") yield* greeted.open
    if (act._tag === "Said") yield* Queue.offer(events, { _tag: "Said", member, text: act.text })
  })

  const heartbeat = Effect.gen(function* () {
    yield* signal("Here")
    const now = yield* Clock.currentTimeMillis
    for (const member of members.values()) {
      if (now - member.heardAt > GONE_AFTER_MS) yield* remove(member, "no heartbeat")
    }
  })

  const outbox = yield* Queue.unbounded<string>()
  const allSent = yield* Latch.make(true)
  let unsent = 0
  const sendNext = Effect.gen(function* () {
    const text = yield* Queue.take(outbox)
    yield* hasOthers.await
    yield* channel
      .publish({ name, act: { _tag: "Said", text } })
      .pipe(Effect.catch(({ message }) => Queue.offer(events, { _tag: "NotSent", reason: message })))
    if (--unsent === 0) yield* allSent.open
  })

  const hear = (event: ChannelEvent<ChatMessage>) => {
    switch (event._tag) {
      case "Received":
        return receive(event.author, event.value)
      case "Missed": {
        const member = members.get(event.author)
        const count = event.to - event.from + 1
        return member === undefined ? Effect.void : Queue.offer(events, { _tag: "Missed", member, count })
      }
      case "Lagged":
        return Queue.offer(events, { _tag: "Lagged", count: event.skipped })
      default:
        return Effect.void
    }
  }
  yield* Effect.forkScoped(Stream.runForEach(channel.events, hear))
  yield* topic.events.pipe(
    Stream.runForEach(({ _tag }) => (_tag === "NeighborUp" ? signal("Hello") : Effect.void)),
    Effect.forkScoped,
  )
  yield* Effect.forkScoped(Effect.forever(answer))
  yield* Effect.forkScoped(Effect.forever(sendNext))
  yield* Effect.forkScoped(Effect.delay(Effect.repeat(heartbeat, Schedule.spaced(HEARTBEAT_MS)), HEARTBEAT_MS))
  const goodbye = Effect.suspend(() => {
    if (saidGoodbye) return Effect.void
    saidGoodbye = true
    return signal("Bye")
  })
  yield* Effect.addFinalizer(() => goodbye)

  return {
    me,
    events: Stream.fromQueue(events),
    others: Effect.sync(() => [...members.values()]),
    say: (line) =>
      Effect.suspend(() => {
        const text = cleaned(line)
        if (text === "") return Effect.void
        if (text.length > MAX_LINE) {
          const reason = `the line has ${text.length} characters; at most ${MAX_LINE} fit into a message`
          return Effect.asVoid(Queue.offer(events, { _tag: "NotSent", reason }))
        }
        unsent++
        allSent.closeUnsafe()
        return Effect.asVoid(Queue.offer(outbox, text))
      }),
    unsent: Effect.sync(() => unsent),
    allSent: allSent.await,
    leave: Effect.andThen(
      goodbye,
      Effect.suspend(() => (members.size > 0 ? Effect.sleep(LINGER_MS) : Effect.void)),
    ),
  } satisfies ChatRoom as ChatRoom
})
