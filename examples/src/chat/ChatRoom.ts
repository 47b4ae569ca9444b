/**
 * A chat in a topic: who is here, by name, and what they say. It knows no terminal; {@link ChatEvent}s tell what to show.
 *
 * Nobody keeps the list of members. A newcomer greets, all answer, and whoever is not heard of for a while is gone.
 */
import { type Topic, TopicTracker } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { Clock, Effect, Latch, Queue, Random, Schedule, Stream } from "effect"
import * as ChatMessage from "./ChatMessage.ts"

/** How often (ms) a member gives a sign of life; after three that did not come it is gone. */
const SIGN_OF_LIFE = 30_000
const GONE_AFTER = 3 * SIGN_OF_LIFE
/** Greetings are answered at a random time within this many ms: one answer for all who greeted until then. */
const ANSWER_WITHIN = 200
/**
 * How long (ms) we stay after the last word. Gossip sends a message itself along some links only; along the others it tells of
 * it, and a neighbour that got it from nobody asks. Whoever leaves at once cannot answer.
 */
const LINGER = 300
/** Strangers can make up members; no more than these are believed in. */
const MOST_MEMBERS = 1_000

export interface Member {
  readonly id: EndpointId.EndpointId
  readonly name: string
}

export type ChatEvent =
  | { readonly _tag: "Arrived"; readonly member: Member }
  | { readonly _tag: "Said"; readonly member: Member; readonly text: string }
  | { readonly _tag: "Left"; readonly member: Member; readonly why: "said goodbye" | "not heard of any more" }
  /** What we said could not be sent. */
  | { readonly _tag: "NotSent"; readonly text: string; readonly why: string }

export interface ChatRoom {
  readonly me: Member
  /** What happens from the moment the room was entered. To be run once. */
  readonly events: Stream.Stream<ChatEvent>
  /** Who else is here, as far as is known. */
  readonly others: Effect.Effect<ReadonlyArray<Member>>
  /** Says it to all; kept while nobody is here, and said when somebody comes. Nothing happens for an empty text. */
  readonly say: (text: string) => Effect.Effect<void>
  /** How many lines are kept. */
  readonly unsent: Effect.Effect<number>
  /** Completes when none is. */
  readonly allSent: Effect.Effect<void>
  /** Says goodbye, and stays long enough for all to hear the last words. Then close the scope. */
  readonly leave: Effect.Effect<void>
}

/** Enters the room: greets now, and every new neighbour. A scope that closes without {@link ChatRoom.leave} leaves at once. */
export const enter = Effect.fn("ChatRoom.enter")(function* (topic: Topic.Topic, name: string) {
  const me: Member = { id: (yield* TopicTracker).endpointId, name }
  const shown = yield* Queue.unbounded<ChatEvent>()
  const members = new Map<EndpointId.EndpointId, Member & { readonly heardAt: number }>()
  const somebodyIsHere = yield* Latch.make()

  let number = 0
  let saidGoodbye = false
  /** Nothing after the goodbye: whoever answers a greeting then would be here again for all. */
  const send = (act: ChatMessage.ChatMessage["act"]) =>
    Effect.suspend(() =>
      saidGoodbye && act._tag !== "Bye"
        ? Effect.void
        : topic.broadcast(ChatMessage.encode({ author: me.id, name, number: number++, act })),
    )
  /** What the next one like it makes up for, should it fail. */
  const mention = (act: "Hello" | "Here" | "Bye") => Effect.ignore(send({ _tag: act }))

  const greeted = yield* Latch.make()
  const answer = Effect.gen(function* () {
    yield* greeted.await
    yield* Effect.sleep(yield* Random.nextIntBetween(0, ANSWER_WITHIN))
    greeted.closeUnsafe()
    yield* mention("Here")
  })

  const remove = Effect.fnUntraced(function* ({ id, name }: Member, why: "said goodbye" | "not heard of any more") {
    members.delete(id)
    if (members.size === 0) somebodyIsHere.closeUnsafe()
    yield* Queue.offer(shown, { _tag: "Left", member: { id, name }, why })
  })

  const hear = Effect.fnUntraced(function* ({ author: id, name, act }: ChatMessage.ChatMessage) {
    const known = members.get(id)
    if (id === me.id || (known === undefined && members.size === MOST_MEMBERS)) return
    if (act._tag === "Bye") return known === undefined ? undefined : yield* remove(known, "said goodbye")
    const member = { id, name }
    members.set(id, { ...member, heardAt: yield* Clock.currentTimeMillis })
    if (known === undefined) yield* Queue.offer(shown, { _tag: "Arrived", member })
    yield* somebodyIsHere.open
    if (act._tag === "Hello") yield* greeted.open
    if (act._tag === "Said") yield* Queue.offer(shown, { _tag: "Said", member, text: act.text })
  })

  const signOfLife = Effect.gen(function* () {
    yield* mention("Here")
    const now = yield* Clock.currentTimeMillis
    for (const member of members.values()) {
      if (now - member.heardAt > GONE_AFTER) yield* remove(member, "not heard of any more")
    }
  })

  const outbox = yield* Queue.unbounded<string>()
  const allSent = yield* Latch.make(true)
  let unsent = 0
  const sendNext = Effect.gen(function* () {
    const text = yield* Queue.take(outbox)
    yield* somebodyIsHere.await
    yield* send({ _tag: "Said", text }).pipe(
      Effect.catch(({ message: why }) => Queue.offer(shown, { _tag: "NotSent", text, why })),
    )
    if (--unsent === 0) yield* allSent.open
  })

  // No line is to be lost: what arrives faster than it is shown waits.
  const events = yield* topic.subscribe({ whenSlow: "backpressure" })
  yield* events.pipe(
    Stream.runForEach((event) => {
      if (event._tag === "NeighborUp") return mention("Hello")
      const message = event._tag === "Message" ? ChatMessage.decode(event.text) : undefined
      return message === undefined ? Effect.void : hear(message)
    }),
    Effect.forkScoped,
  )
  yield* Effect.forkScoped(Effect.forever(answer))
  yield* Effect.forkScoped(Effect.forever(sendNext))
  yield* Effect.forkScoped(Effect.delay(Effect.repeat(signOfLife, Schedule.spaced(SIGN_OF_LIFE)), SIGN_OF_LIFE))
  const goodbye = Effect.suspend(() => {
    if (saidGoodbye) return Effect.void
    saidGoodbye = true
    return mention("Bye")
  })
  yield* Effect.addFinalizer(() => goodbye)
  yield* mention("Hello")

  return {
    me,
    events: Stream.fromQueue(shown),
    others: Effect.sync(() => [...members.values()]),
    say: (line) =>
      Effect.suspend(() => {
        const text = ChatMessage.cleaned(line)
        if (text === "") return Effect.void
        unsent++
        allSent.closeUnsafe()
        return Effect.asVoid(Queue.offer(outbox, text))
      }),
    unsent: Effect.sync(() => unsent),
    allSent: allSent.await,
    leave: Effect.andThen(
      goodbye,
      Effect.suspend(() => (members.size > 0 ? Effect.sleep(LINGER) : Effect.void)),
    ),
  } satisfies ChatRoom as ChatRoom
})
