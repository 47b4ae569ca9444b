/**
 * A chat in a members-only topic: a channel carries the lines, and presence knows who is here. It knows no terminal; it reports
 * {@link ChatEvent}s.
 */
import { type Channel, type ChannelEvent, type Topic, TopicTracker } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { Presence } from "@topic-tracker/presence"
import { Effect, Exit, Latch, Queue, Scope, Stream, SubscriptionRef } from "effect"
import { ChatMember, ChatMessage, cleaned, MAX_LINE } from "./ChatMessage.ts"

const CHANNEL = "chat"
/**
 * The time between our goodbye and the end. Gossip sends a message along some links only; along the others it sends its id, and a
 * neighbor that has not received the message asks for it. A node that leaves at once cannot answer.
 */
const LINGER_MS = 300
/** A bound for the screen, because one member can have many keys. */
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
  /** Lines of a member that nobody has any more. */
  | { readonly _tag: "Missed"; readonly author: EndpointId.EndpointId; readonly count: number }
  /** Lines that came faster than they were printed. */
  | { readonly _tag: "Lagged"; readonly count: number }
  /** A line of ours could not be sent. */
  | { readonly _tag: "NotSent"; readonly reason: string }

/** The reason why a member is gone. */
export type Departure = "said goodbye" | "no sign of life"

/** The room from the view of one member. */
export interface ChatRoom {
  readonly me: Member
  /** All events since the room was entered. Run it once. */
  readonly events: Stream.Stream<ChatEvent>
  /** The other members. */
  readonly others: Effect.Effect<ReadonlyArray<Member>>
  /** Sends a line to all members, under the name of this member unless another is given; it waits while no other member is here. Ignores an empty text. */
  readonly say: (text: string, name?: string) => Effect.Effect<void>
  /** The number of lines that wait. */
  readonly unsent: Effect.Effect<number>
  /** Completes when no line waits. */
  readonly allSent: Effect.Effect<void>
  /** Sends a goodbye and waits until it is delivered. Close the scope after it. */
  readonly leave: Effect.Effect<void>
}

/** Enters the room of a members-only topic. If the scope closes without {@link ChatRoom.leave}, it leaves at once. */
export const enter = Effect.fn("ChatRoom.enter")(function* (topic: Topic.Topic, name: string) {
  const me: Member = { id: (yield* TopicTracker).endpointId, name }
  const events = yield* Queue.unbounded<ChatEvent>()
  const channel: Channel<ChatMessage> = yield* topic.channel(CHANNEL, ChatMessage)
  yield* Effect.forkScoped(
    Stream.runForEach(channel.events, (event) => {
      const shown = chatEvent(event)
      return shown === undefined ? Effect.void : Queue.offer(events, shown)
    }),
  )

  // After the channel: members that see us here send what waits.
  const presenceScope = yield* Scope.fork(yield* Effect.scope)
  const presence = yield* Presence.make(topic, { schema: ChatMember, state: { name }, maxMembers: MAX_MEMBERS }).pipe(
    Scope.provide(presenceScope),
  )
  const others = Effect.map(SubscriptionRef.get(presence.members), (members) =>
    Array.from(members, ([id, { state }]): Member => ({ id, name: state.name })).filter(({ id }) => id !== me.id),
  )
  const hasOthers = yield* Latch.make()
  yield* SubscriptionRef.changes(presence.members).pipe(
    Stream.runForEach(({ size }) => (size > 1 ? hasOthers.open : hasOthers.close)),
    Effect.forkScoped,
  )
  yield* presence.changes.pipe(
    Stream.filter(({ member }) => member.id !== me.id),
    Stream.runForEach(
      Effect.fnUntraced(function* ({ _tag, member: { id, state } }) {
        const member = { id, name: state.name }
        if (_tag === "Joined") yield* Queue.offer(events, { _tag: "Arrived", member })
        if (_tag === "Left") yield* Queue.offer(events, { _tag: "Left", member, reason: "said goodbye" })
        if (_tag === "Lost") yield* Queue.offer(events, { _tag: "Left", member, reason: "no sign of life" })
      }),
    ),
    Effect.forkScoped,
  )

  const outbox = yield* Queue.unbounded<ChatMessage>()
  const allSent = yield* Latch.make(true)
  let unsent = 0
  const sendNext = Effect.gen(function* () {
    const message = yield* Queue.take(outbox)
    yield* hasOthers.await
    yield* Effect.catch(channel.publish(message), ({ message }) =>
      Queue.offer(events, { _tag: "NotSent", reason: message }),
    )
    if (--unsent === 0) yield* allSent.open
  })
  yield* Effect.forkScoped(Effect.forever(sendNext))

  return {
    me,
    events: Stream.fromQueue(events),
    others,
    say: (line, as = name) =>
      Effect.suspend(() => {
        const text = cleaned(line)
        if (text === "") return Effect.void
        if (text.length > MAX_LINE) {
          const reason = `the line has ${text.length} characters; at most ${MAX_LINE} fit into a message`
          return Effect.asVoid(Queue.offer(events, { _tag: "NotSent", reason }))
        }
        unsent++
        allSent.closeUnsafe()
        return Effect.asVoid(Queue.offer(outbox, { name: as, text }))
      }),
    unsent: Effect.sync(() => unsent),
    allSent: allSent.await,
    leave: Effect.gen(function* () {
      const isAlone = (yield* others).length === 0
      yield* Scope.close(presenceScope, Exit.void)
      if (!isAlone) yield* Effect.sleep(LINGER_MS)
    }),
  } satisfies ChatRoom as ChatRoom
})

/** The lines that the screen shows of an event of the channel. */
const chatEvent = (event: ChannelEvent<ChatMessage>): ChatEvent | undefined => {
  switch (event._tag) {
    case "Received":
      return { _tag: "Said", member: { id: event.author, name: event.value.name }, text: event.value.text }
    case "Missed":
      return { _tag: "Missed", author: event.author, count: event.to - event.from + 1 }
    case "Lagged":
      return { _tag: "Lagged", count: event.skipped }
    default:
      return undefined
  }
}
