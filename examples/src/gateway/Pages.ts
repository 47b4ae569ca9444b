/**
 * The pages of a gateway in the room of its member: each hears what all hear, and speaks as the gateway. It knows no HTTP. Everything that waits for
 * a page is bounded.
 */
import type { Topic } from "@topic-tracker/core"
import { Context, Effect, Layer, PubSub, Stream } from "effect"
import { cleaned } from "../chat/ChatMessage.ts"
import * as ChatRoom from "../chat/ChatRoom.ts"
import type { PageMember, ToPage } from "./messages.ts"

/** A page that comes sees so many lines from before. */
const HISTORY = 100
/** So many messages wait for a page that is slow; it does not get the oldest ones. */
const WAITING = 256
/** So many lines wait while no other member is here. */
const MAX_UNSENT = 100

export class Pages extends Context.Service<
  Pages,
  {
    /** Says a line as the gateway, under the name of a page. Returns why it was not said, if so. */
    readonly say: (name: string, text: string) => Effect.Effect<string | undefined>
    /** What a page is to show: the room as it is, then what happens. */
    readonly messages: Stream.Stream<ToPage>
    readonly members: Effect.Effect<ReadonlyArray<PageMember>>
  }
>()("example/gateway/Pages") {}

/** Enters the chat room of the topic with the name of the gateway. */
export const layerPages = (topic: Topic.Topic, topicName: string, name: string) =>
  Layer.effect(
    Pages,
    Effect.gen(function* () {
      const room = yield* ChatRoom.enter(topic, name)
      yield* Effect.addFinalizer(() => room.leave)
      const members = new Map<string, PageMember>([[room.me.id, { id: room.me.id, name }]])
      const lines: Array<ToPage> = []
      const all = yield* PubSub.sliding<ToPage>(WAITING)

      const tell = (message: ToPage) =>
        Effect.suspend(() => {
          if (message._tag !== "Members") lines.push(message)
          if (lines.length > HISTORY) lines.shift()
          return PubSub.publish(all, message)
        })
      const membersNow = (): ToPage => ({ _tag: "Members", members: [...members.values()] })

      const follow = (event: ChatRoom.ChatEvent) => {
        switch (event._tag) {
          case "Arrived":
            members.set(event.member.id, event.member)
            return tell(membersNow())
          case "Left":
            members.delete(event.member.id)
            return tell(membersNow())
          case "Said":
            return tell({ _tag: "Said", author: event.member.id, name: event.member.name, text: event.text })
          case "Missed":
            return tell({ _tag: "Notice", text: `${event.count} lines of ${event.author.slice(0, 4)}… are lost` })
          case "Lagged":
            return tell({ _tag: "Notice", text: `${event.count} lines are lost: they came too fast` })
          case "NotSent":
            return tell({ _tag: "Notice", text: `not sent: ${event.reason}` })
        }
      }
      yield* Effect.forkScoped(Stream.runForEach(room.events, follow))

      return {
        members: Effect.sync(() => [...members.values()]),
        say: Effect.fnUntraced(function* (as, text) {
          const line = cleaned(text)
          if (line === "") return "the line is empty"
          if ((yield* room.unsent) >= MAX_UNSENT) return `no other member is here, and ${MAX_UNSENT} lines wait for one`
          yield* room.say(line, as)
          // A channel does not give us our own messages.
          yield* tell({ _tag: "Said", author: room.me.id, name: as, text: line })
          return undefined
        }),
        messages: Stream.unwrap(
          Effect.gen(function* () {
            // Subscribed first, in the same turn: nothing is missed, and nothing comes twice.
            const subscription = yield* PubSub.subscribe(all)
            const welcome: ToPage = { _tag: "Welcome", gateway: room.me.id, topic: topicName }
            return Stream.concat(
              Stream.fromIterable([welcome, membersNow(), ...lines]),
              Stream.fromSubscription(subscription),
            )
          }),
        ),
      }
    }),
  )
