/**
 * Opens a typed channel: values are encoded and decoded, and events go to any number of readers. The order, the seal and the repair of
 * messages are gossip's (`MembersTopic`). A session of the topic ends with a suspend; the channel goes on in the next one.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { BytesChannel, ChannelEvent as BytesEvent, MembersTopic } from "@topic-tracker/gossip"
import { MAX_ACKNOWLEDGING, MAX_CONTENT_BYTES } from "@topic-tracker/gossip/members"
import { Duration, Effect, Exit, PubSub, Schema, Scope, Stream } from "effect"
import { EventHub } from "../EventHub.ts"
import type { TopicError } from "../TopicError.ts"
import type { Channel, ChannelEvent, ChannelOptions, Published, PublishOptions, Received } from "./Channel.ts"
import { ChannelError } from "./ChannelError.ts"
import { bytesCodec } from "./codec.ts"
import { measureAcknowledgements } from "./measureAcknowledgements.ts"

/** The longest name of a channel, in bytes of UTF-8. */
const MAX_NAME_BYTES = 64
const DEFAULT_CAPACITY = 256
/** Events that may wait between gossip and the readers. */
const GATHERED = 8_192
/** The turns that a reader has to make room. */
const READER_TURNS = 4
/** Sessions of authors whose place is known, so that nothing is delivered again after a suspend. */
const MAX_PLACES = 4_096

/** Where a channel gets the sessions of its topic. */
export interface ChannelSessions {
  /** The running session; undefined on an open topic. Fails while there is none. */
  readonly current: Effect.Effect<MembersTopic | undefined, TopicError>
  /** Waits for a session. Fails when the topic ends. */
  readonly next: Effect.Effect<MembersTopic | undefined, TopicError>
}

/** Opens a channel until the scope closes. */
export const openChannel = Effect.fnUntraced(function* <A>(
  sessions: ChannelSessions,
  name: string,
  schema: Schema.Codec<A, unknown>,
  options: ChannelOptions<A> = {},
): Effect.fn.Return<Channel<A>, ChannelError, Scope.Scope> {
  const members = yield* Effect.mapError(sessions.current, fromTopic)
  if (members === undefined) return yield* notMembersOnly()
  const problem = problemOf(name, options)
  if (problem !== undefined) return yield* problem
  const opened = new OpenChannel(schema, options)
  const keep = yield* opened.hub.keep(opened.capacity)
  let kept: (() => ReadonlyArray<ChannelEvent<A>>) | undefined = keep
  const takeKept = () => {
    const events = kept?.() ?? []
    kept = undefined
    return events
  }
  const scope = yield* Effect.scope
  yield* Effect.addFinalizer(() => opened.hub.end)
  // The first session's reader is there when this returns: no message after it is missed.
  const first = yield* opened.enter(members, name, scope)
  yield* Effect.gen(function* () {
    let session = first
    for (;;) {
      yield* opened.read(session)
      const next = yield* sessions.next
      if (next === undefined) return
      session = yield* opened.enter(next, name, scope)
    }
  }).pipe(
    // The topic has ended.
    Effect.ignore,
    Effect.andThen(opened.hub.end),
    Effect.forkScoped,
  )
  const subscribe = opened.hub.subscribe({ capacity: opened.capacity, whenSlow: opened.whenSlow }, takeKept)
  const events = Stream.unwrap(subscribe)
  return {
    publish: (value, publishOptions) => opened.publish(value, publishOptions, sessions.current),
    events,
    messages: Stream.filter(events, isReceived),
    subscribe: Effect.gen(function* () {
      const { capacity, whenSlow } = opened
      const make = whenSlow === "backpressure" ? PubSub.bounded<A>(capacity) : PubSub.sliding<A>(capacity)
      const pubsub = yield* Effect.acquireRelease(make, PubSub.shutdown)
      const subscription = yield* PubSub.subscribe(pubsub)
      const values = yield* subscribe
      yield* Stream.runForEachArray(values, (batch) =>
        PubSub.publishAll(
          pubsub,
          batch.filter(isReceived).map(({ value }) => value),
        ),
      ).pipe(Effect.andThen(PubSub.shutdown(pubsub)), Effect.forkScoped)
      return subscription
    }),
    stats: Effect.suspend(() => opened.stats),
  }
})

interface Session {
  readonly members: MembersTopic
  readonly channel: BytesChannel
  readonly scope: Scope.Closeable
}

/** The part of a channel that stays from one session to the next. */
class OpenChannel<A> {
  readonly capacity: number
  readonly whenSlow: "drop-oldest" | "backpressure"
  readonly hub = new EventHub<ChannelEvent<A>>({ lagged: (skipped) => ({ _tag: "Lagged", skipped }) })
  readonly #options: ChannelOptions<A>
  readonly #encode: (value: A) => Exit.Exit<Uint8Array, Schema.SchemaError>
  readonly #decode: (bytes: Uint8Array) => Exit.Exit<A, Schema.SchemaError>
  readonly #maxContentBytes: number
  /** The last sequence number of each session that was delivered, by author and session. */
  readonly #places = new BoundedMap<string, Map<string, number>>(MAX_PLACES)
  readonly #counts = { published: 0, received: 0, undecodable: 0, missed: 0 }
  #session: Session | undefined
  #isLaterSession = false

  constructor(schema: Schema.Codec<A, unknown>, options: ChannelOptions<A>) {
    const codec = bytesCodec(schema, options.codec ?? "binary")
    this.#encode = Schema.encodeExit(codec)
    this.#decode = Schema.decodeExit(codec)
    this.#options = options
    this.#maxContentBytes = options.maxContentBytes ?? MAX_CONTENT_BYTES
    this.capacity = options.capacity ?? DEFAULT_CAPACITY
    this.whenSlow = options.whenSlow ?? "drop-oldest"
  }

  enter(members: MembersTopic, name: string, parent: Scope.Scope): Effect.Effect<Session> {
    return Effect.gen({ self: this }, function* () {
      const { authentication, from } = this.#options
      const scope = yield* Scope.fork(parent)
      const channel = yield* Scope.provide(
        members.channel(name, {
          mode: { group: authentication === "group", neighborsOnly: false },
          capacity: this.whenSlow === "backpressure" ? this.capacity : Math.max(this.capacity, GATHERED),
          whenSlow: this.whenSlow,
          // Messages that were sent while the topic was suspended are not lost either, as far as others still have it.
          from: this.#isLaterSession ? "recent" : (from ?? "now"),
        }),
        scope,
      )
      this.#isLaterSession = true
      const session = { members, channel, scope }
      this.#session = session
      return session
    })
  }

  /** Hands on the events of a session until it ends. */
  read(session: Session): Effect.Effect<void> {
    return Stream.runForEachArray(session.channel.events, (batch) => this.#handOn(batch)).pipe(
      Effect.andThen(
        Effect.suspend(() => {
          this.#session = undefined
          return Scope.close(session.scope, Exit.void)
        }),
      ),
    )
  }

  publish(
    value: A,
    { acknowledge, whenAlone = "wait" }: PublishOptions = {},
    current: Effect.Effect<unknown, TopicError>,
  ): Effect.Effect<Published, ChannelError> {
    return Effect.suspend((): Effect.Effect<Published, ChannelError> => {
      const encoded = this.#encode(value)
      // Always the error: the exit is a failure.
      if (Exit.isFailure(encoded)) return Effect.as(Effect.mapError(encoded, notEncodable), DROPPED)
      const { length } = encoded.value
      if (length > this.#maxContentBytes) return Effect.fail(tooLarge(length, this.#maxContentBytes))
      const by = acknowledge?.by
      if (by !== undefined && !(Number.isInteger(by) && by >= 1 && by <= MAX_ACKNOWLEDGING)) {
        return Effect.fail(invalid("acknowledge.by", by, `a whole number from 1 to ${MAX_ACKNOWLEDGING}`))
      }
      const session = this.#session
      if (session === undefined) return noSession(current)
      // A copy: the codec uses its bytes again, and the message may wait.
      const message = encoded.value.slice()
      const send = this.#send(session, message, acknowledge, current)
      if (whenAlone === "wait") return send
      return Effect.flatMap(session.members.gossip.neighbors, ({ size }) => {
        if (size > 0) return send
        return whenAlone === "drop" ? Effect.succeed(DROPPED) : Effect.fail(alone())
      })
    })
  }

  #send(
    session: Session,
    message: Uint8Array,
    acknowledge: PublishOptions["acknowledge"],
    current: Effect.Effect<unknown, TopicError>,
  ): Effect.Effect<Published, ChannelError> {
    const options =
      acknowledge === undefined
        ? {}
        : {
            acknowledge: {
              by: acknowledge.by,
              withinMs: Duration.toMillis(Duration.fromInputUnsafe(acknowledge.within)),
            },
          }
    const sent = session.channel.publish([message], options)
    return Effect.matchEffect(acknowledge === undefined ? sent : measureAcknowledgements(sent, acknowledge.by), {
      onFailure: (error) =>
        error.reason === "MessageTooLarge"
          ? Effect.fail(new ChannelError({ reason: "MessageTooLarge", message: error.message }))
          : noSession(current),
      onSuccess: ({ acknowledged, neighbors, seq }) => {
        this.#counts.published++
        if (acknowledge !== undefined && acknowledged < acknowledge.by) {
          return Effect.fail(notAcknowledged(seq, acknowledged, acknowledge))
        }
        return Effect.succeed<Published>({ _tag: "Published", seq, neighbors, acknowledged })
      },
    })
  }

  get stats(): Channel<A>["stats"] {
    const counts = { ...this.#counts }
    if (this.#session === undefined) return Effect.succeed({ ...NO_STATS, ...counts })
    return Effect.map(this.#session.members.stats, (topic) => {
      const { accepted, equivocations, falseHeads, ignored, rejected, repaired } = topic
      return { ...counts, accepted, ignored, rejected, repaired, equivocations, falseHeads }
    })
  }

  #handOn(batch: ReadonlyArray<BytesEvent>): Effect.Effect<void> {
    const events: Array<ChannelEvent<A>> = []
    for (const event of batch) {
      const made = this.#decoded(event)
      if (made !== undefined) events.push(made)
    }
    if (this.hub.mostWaiting + events.length <= this.capacity) return this.hub.publish(events)
    return this.#publishInPieces(events)
  }

  /** Before each piece readers get some turns, so that a burst is not too much for one that is fast. */
  #publishInPieces(events: ReadonlyArray<ChannelEvent<A>>): Effect.Effect<void> {
    const piece = Math.max(1, this.capacity >> 1)
    return Effect.gen({ self: this }, function* () {
      for (let at = 0; at < events.length; at += piece) {
        for (let turn = 0; turn < READER_TURNS && this.hub.mostWaiting + piece > this.capacity; turn++) {
          yield* Effect.yieldNow
        }
        yield* this.hub.publish(events.slice(at, at + piece))
      }
    })
  }

  #decoded(event: BytesEvent): ChannelEvent<A> | undefined {
    if (event._tag === "Lagged") return event
    if (event._tag === "Missed") {
      this.#counts.missed += event.to - event.from + 1
      return event
    }
    const { author, deliveredFrom, proven, seq, session } = event
    if (!this.#isNext(author, session, seq)) return undefined
    const decoded = this.#decode(event.message)
    if (Exit.isFailure(decoded)) {
      this.#counts.undecodable++
      return { _tag: "Undecodable", author, seq }
    }
    this.#counts.received++
    return { _tag: "Received", value: decoded.value, author, proven, session, seq, deliveredFrom }
  }

  /** Whether the message was not delivered before, in this session of ours or in an earlier one. */
  #isNext(author: string, session: string, seq: number): boolean {
    let places = this.#places.get(author)
    if (places === undefined) {
      places = new BoundedMap<string, number>(MAX_SESSIONS)
      this.#places.set(author, places)
    }
    const last = places.get(session)
    if (last !== undefined && seq <= last) return false
    places.set(session, seq)
    return true
  }
}

/** Sessions of one author whose place is known. */
const MAX_SESSIONS = 8

const DROPPED: Published = { _tag: "Dropped" }

const NO_STATS = { accepted: 0, ignored: 0, rejected: 0, repaired: 0, equivocations: 0, falseHeads: 0 }

const isReceived = <A>(event: ChannelEvent<A>): event is Received<A> => event._tag === "Received"

/** The error in the name or the options; undefined if there is none. */
const problemOf = <A>(
  name: string,
  { capacity = 1, maxContentBytes = 1 }: ChannelOptions<A>,
): ChannelError | undefined => {
  const { length } = new TextEncoder().encode(name)
  if (length < 1 || length > MAX_NAME_BYTES) {
    const message = `name: ${length} bytes of UTF-8; a channel's name has 1 to ${MAX_NAME_BYTES}`
    return new ChannelError({ reason: "NameInvalid", message })
  }
  if (!(Number.isSafeInteger(capacity) && capacity >= 1)) {
    return invalid("capacity", capacity, "a whole number of at least 1")
  }
  if (!(Number.isInteger(maxContentBytes) && maxContentBytes >= 1 && maxContentBytes <= MAX_CONTENT_BYTES)) {
    return invalid("maxContentBytes", maxContentBytes, `a whole number from 1 to ${MAX_CONTENT_BYTES}`)
  }
  return undefined
}

const invalid = (option: string, given: number, expected: string): ChannelError =>
  new ChannelError({ reason: "InvalidArgument", message: `${option}: ${given}; expected ${expected}` })

const notMembersOnly = () =>
  new ChannelError({
    reason: "NotMembersOnly",
    message: `the topic is open to everybody with its name; join it with access: "members"`,
  })

const notEncodable = ({ message }: Schema.SchemaError) =>
  new ChannelError({ reason: "NotEncodable", message: `value: ${message}` })

const tooLarge = (bytes: number, most: number) =>
  new ChannelError({ reason: "MessageTooLarge", message: `value: ${bytes} bytes; must be at most ${most}` })

const alone = () => new ChannelError({ reason: "Alone", message: "there is no neighbour" })

const notAcknowledged = (seq: number, by: number, wanted: NonNullable<PublishOptions["acknowledge"]>) =>
  new ChannelError({
    reason: "NotAcknowledged",
    message: `message ${seq}: ${by} of ${wanted.by} members acknowledged it within ${Duration.format(Duration.fromInputUnsafe(wanted.within))}`,
  })

const fromTopic = ({ message, reason }: TopicError): ChannelError =>
  new ChannelError({ reason: reason._tag === "Suspended" ? "Suspended" : "Closed", message })

/** The topic has no session, or this one has just ended. */
const noSession = (current: Effect.Effect<unknown, TopicError>): Effect.Effect<never, ChannelError> =>
  Effect.matchEffect(current, {
    onFailure: (error) => Effect.fail(fromTopic(error)),
    onSuccess: () => Effect.fail(new ChannelError({ reason: "Suspended", message: "the topic was suspended" })),
  })
