/** Finds out what a node can do here: store an item in the DHT, reach a relay, and find members of a topic. */
import { Topic, type TopicActivity } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { Gossip } from "@topic-tracker/gossip"
import { Deferred, Effect, Redacted, Stream } from "effect"
import type { NodeFacts, TopicFacts } from "./Facts.ts"

/** The time in which a relay is reached. */
const RELAY_WAIT = "8 seconds"

/** After a member was found, the time in which it is seen whether strangers fill the slot, too. */
const SETTLE = "1 second"

const MAX_READS = 4
const READ_AGAIN = "300 millis"

/** Needs a node. `wantsRelay`: it is to have one. */
export const nodeFacts = Effect.fnUntraced(function* (wantsRelay: boolean) {
  const [stored, relay] = yield* Effect.all([storeItem, wantsRelay ? reachRelay : Effect.succeed("off")], {
    concurrency: "unbounded",
  })
  return { stored, relay } satisfies NodeFacts
})

/** Puts an item under a new key. It is there for two hours at most, and means nothing. */
const storeItem = Effect.gen(function* () {
  const crypto = yield* Crypto
  const key = crypto.signingKey(Redacted.make(yield* crypto.randomBytes(32)))
  const dht = yield* Dht
  return yield* dht.put({ key, seq: 1n, value: new TextEncoder().encode("doctor") }).pipe(
    Effect.map(({ stored }): number | string => stored),
    Effect.catch(({ message }) => Effect.succeed(message)),
  )
})

const reachRelay = Effect.gen(function* () {
  const gossip = yield* Gossip
  return yield* gossip.addressChanges.pipe(
    Stream.filter(({ relayUrl }) => relayUrl !== undefined),
    Stream.take(1),
    Stream.runHead,
    Effect.map((head) => (head._tag === "Some" ? head.value.relayUrl : undefined)),
    Effect.timeoutOrElse({ duration: RELAY_WAIT, orElse: () => Effect.succeed(undefined) }),
  )
})

/** Reads the slot of this minute, and again while it shows items that no member made: a stranger that fills it puts ever new ones. */
const readSlot = ({ recordPublisher: records }: Topic.Topic) =>
  Effect.gen(function* () {
    for (let read = 0; read < MAX_READS; read++) {
      yield* records.recordsArray(yield* records.unixMinute)
      const { invalid, unopened } = yield* records.stats
      if (invalid + unopened === 0) return
      yield* Effect.sleep(READ_AGAIN)
    }
  }).pipe(Effect.ignore)

/** Joins the topic for at most `seconds`, and leaves it. */
export const topicFacts = Effect.fnUntraced(function* (
  join: Topic.JoinOptions | Topic.JoinByInviteOptions,
  access: "open" | "members",
  seconds: number,
) {
  const topic = yield* Topic.joinNoWait(join)
  const seen = new Map<TopicActivity["_tag"], TopicActivity>()
  const publishers = new Set<string>()
  let isClockRefused = false
  /** Something that time will not change. */
  const decided = yield* Deferred.make<void>()
  yield* topic.activity.pipe(
    Stream.runForEach((activity) => {
      seen.set(activity._tag, activity)
      if (activity._tag === "RecordFound") publishers.add(activity.publisher)
      if (activity._tag === "Refused" && activity.reason === "clock") isClockRefused = true
      return ["AccessMismatch", "NothingOpens"].includes(activity._tag)
        ? Deferred.succeed(decided, undefined)
        : Effect.void
    }),
    Effect.forkScoped,
  )
  yield* Effect.raceFirst(
    Effect.andThen(topic.joined, Effect.sleep(SETTLE)),
    Effect.andThen(Deferred.await(decided), Effect.sleep(SETTLE)),
  ).pipe(Effect.ignore, Effect.timeoutOrElse({ duration: seconds * 1_000, orElse: () => Effect.void }))
  yield* readSlot(topic)
  const { invalid, unopened } = yield* topic.recordPublisher.stats
  const { dials } = yield* topic.stats
  const clock = seen.get("ClockOff")
  const facts: TopicFacts = {
    access,
    isJoined: yield* topic.isJoined,
    isOtherAccess: seen.has("AccessMismatch"),
    isClockRefused,
    clockAheadMinutes: clock?._tag === "ClockOff" ? clock.minutes : undefined,
    records: publishers.size,
    unopened,
    garbage: invalid,
    dials,
    seconds,
  }
  return facts
}, Effect.scoped)
