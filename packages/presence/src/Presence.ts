/**
 * Presence in a members-only topic: here the state machine meets Effect, the clock, and the notes of the topic. The rules are in `state/`.
 */
import type { Timer } from "@topic-tracker/common/Timers"
import type { Topic } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import type { GossipError, MembersNotes } from "@topic-tracker/gossip"
import type { NotesHandler } from "@topic-tracker/gossip/members"
import { Clock, Deferred, Effect, Exit, Random, Schema, type Scope, Stream, SubscriptionRef } from "effect"
import { SchemaBinary } from "effect/encoding"
import { Changes } from "./Changes.ts"
import { membersSource } from "./membersSource.ts"
import type { Member, Presence, PresenceOptions } from "./model.ts"
import { PresenceError } from "./PresenceError.ts"
import { MAX_MEMBERS, MAX_STATE_BYTES } from "./state/limits.ts"
import { PresenceState } from "./state/PresenceState.ts"
import type { Entry } from "./state/Roster.ts"

export { publishMetrics } from "./metrics.ts"
export type { Member, Presence, PresenceChange, PresenceOptions, PresenceStats } from "./model.ts"

const DEFAULT_STATE_BYTES = 256
const MOST_MEMBERS = 100_000

/**
 * Takes part in the presence of a members-only topic until the Scope closes, which says goodbye: close it before the topic's own Scope, or use the same
 * one. It ends when the topic is suspended. Fails with `NotMembersOnly`, `AlreadyOpen`, `NotEncodable`, `StateTooLarge`, `InvalidArgument` or `Closed`.
 *
 * @example
 * ```ts
 * const presence = yield* Presence.make(topic, { schema: Schema.Struct({ name: Schema.String }), state: { name: "Ada" } })
 * yield* Stream.runForEach(presence.changes, ({ _tag, member }) => Console.log(_tag, member.state.name))
 * ```
 *
 * @since 0.1.0
 */
export const make = Effect.fn("Presence.make")(function* <S>(
  topic: Topic.Topic,
  options: PresenceOptions<S>,
): Effect.fn.Return<Presence<S>, PresenceError, Scope.Scope> {
  const { maxMembers = MAX_MEMBERS, maxStateBytes = DEFAULT_STATE_BYTES } = options
  yield* checkNumber("maxStateBytes", maxStateBytes, 0, MAX_STATE_BYTES)
  yield* checkNumber("maxMembers", maxMembers, 1, MOST_MEMBERS)
  const codec = SchemaBinary.toCodec(options.schema)
  const encode = (state: S) =>
    Schema.encodeEffect(codec)(state).pipe(
      Effect.mapError(({ message }) => new PresenceError({ reason: "NotEncodable", message: `state: ${message}` })),
      Effect.filterOrFail(
        ({ length }) => length <= maxStateBytes,
        ({ length }) => {
          const message = `state: ${length} bytes encoded; maxStateBytes is ${maxStateBytes}`
          return new PresenceError({ reason: "StateTooLarge", message })
        },
      ),
    )
  const first = yield* encode(options.state)
  const link = yield* Effect.mapError(topic.peerLink, ({ message }) => new PresenceError({ reason: "Closed", message }))
  if (link.notes === undefined) {
    const message = `the topic is open to everybody with its name; join it with access: "members"`
    return yield* new PresenceError({ reason: "NotMembersOnly", message })
  }
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const fork = Effect.runForkWith(yield* Effect.context())
  const decode: (bytes: Uint8Array) => Exit.Exit<S, unknown> = Schema.decodeExit(codec as Schema.Codec<S, Uint8Array>)
  const members = yield* SubscriptionRef.make<ReadonlyMap<EndpointId.EndpointId, Member<S>>>(new Map())
  const session = new Session<S>({
    self: link.endpointId,
    decode,
    publish: (view) => void fork(SubscriptionRef.set(members, view)),
    run: (effect) => void fork(Effect.ignore(effect)),
  })
  const notes = yield* Effect.mapError(link.notes(session.handler), fromGossip)
  session.start(
    notes,
    new PresenceState(
      {
        self: link.endpointId,
        random: () => random.nextDoubleUnsafe(),
        wall: () => clock.currentTimeMillisUnsafe(),
        sign: notes.sign,
        verify: notes.verify,
        admits: (member) => notes.admits(member as EndpointId.EndpointId),
        state: first,
        maxMembers,
      },
      notes.timers.now(),
    ),
  )
  yield* SubscriptionRef.set(members, session.view)
  const ended = yield* Deferred.make<void>()
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.suspend(() => Effect.ignore(session.leave())),
      Deferred.succeed(ended, undefined),
    ),
  )
  yield* link.ended.pipe(Effect.andThen(Effect.sync(() => session.end())), Effect.forkScoped)
  const changes = Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => session.subscribe()),
        (reader) => Effect.sync(() => session.unsubscribe(reader)),
      ),
      (reader) => Stream.fromPull(Effect.succeed(reader.pull)),
    ),
  )
  const stats = Effect.sync(() => session.stats)
  yield* link.showMembers(membersSource({ schema: options.schema, members: () => session.current, stats, changes }))
  return {
    self: link.endpointId,
    members,
    changes,
    update: (state) =>
      Effect.flatMap(encode(state), (bytes) =>
        Effect.suspend(() =>
          session.update(bytes)
            ? Effect.void
            : Effect.fail(new PresenceError({ reason: "Closed", message: "the topic was left or suspended" })),
        ),
      ),
    stats,
  }
})

const checkNumber = (name: string, value: number, from: number, to: number) =>
  Number.isInteger(value) && value >= from && value <= to
    ? Effect.void
    : Effect.fail(
        new PresenceError({
          reason: "InvalidArgument",
          message: `${name}: ${value}; must be a whole number from ${from} to ${to}`,
        }),
      )

const fromGossip = ({ message, reason }: GossipError) =>
  reason === "InvalidArgument"
    ? new PresenceError({ reason: "AlreadyOpen", message: "this process has a presence in the topic already" })
    : new PresenceError({ reason: "Closed", message })

interface SessionOptions<S> {
  readonly self: EndpointId.EndpointId
  readonly decode: (bytes: Uint8Array) => Exit.Exit<S, unknown>
  readonly publish: (view: ReadonlyMap<EndpointId.EndpointId, Member<S>>) => void
  readonly run: (effect: Effect.Effect<void, GossipError>) => void
}

/** The synchronous part: everything that runs within a callback of the notes or of a timer. */
class Session<S> {
  readonly handler: NotesHandler
  readonly #options: SessionOptions<S>
  readonly #readers = new Set<Changes<S>>()
  readonly #members = new Map<EndpointId.EndpointId, Member<S>>()
  #parts: { readonly notes: MembersNotes; readonly state: PresenceState } | undefined
  /** Calls that came before the state was there. */
  #early: Array<(state: PresenceState) => void> = []
  #timer: Timer | undefined
  #isFlushing = false
  #isPublishing = false
  #isEnded = false
  #undecodable = 0

  constructor(options: SessionOptions<S>) {
    this.#options = options
    const now = () => this.#parts!.notes.timers.now()
    this.handler = {
      note: (from, note) => {
        if (this.#parts === undefined || this.#isEnded) return "ignore"
        const verdict = this.#parts.state.receive(from, note, now())
        this.#flushSoon()
        return verdict
      },
      neighborUp: (peer) => this.#do((state) => state.neighborUp(peer, now())),
      neighborDown: (peer, isLost) => this.#do((state) => state.neighborDown(peer, isLost, now())),
      lineUp: (peer) => this.#do((state) => state.lineUp(peer, now())),
      lineDown: (peer) => this.#do((state) => state.lineDown(peer, now())),
      whisper: (peer, bytes) => this.#do((state) => state.whisper(peer, bytes, now())),
    }
  }

  /** The members as they change. */
  get current(): ReadonlyMap<EndpointId.EndpointId, Member<S>> {
    return this.#members
  }

  /** The members now. Not to be changed. */
  get view(): ReadonlyMap<EndpointId.EndpointId, Member<S>> {
    return new Map(this.#members)
  }

  get stats() {
    let suspected = 0
    for (const member of this.#members.values()) if (member.suspected) suspected++
    const { limited, learnt, refused, refuted } = this.#parts!.state.stats
    return { members: this.#members.size, suspected, limited, learnt, refused, refuted, undecodable: this.#undecodable }
  }

  start(notes: MembersNotes, state: PresenceState): void {
    this.#parts = { notes, state }
    for (const call of this.#early) call(state)
    this.#early = []
    this.#flush()
  }

  /** False if presence has ended. */
  update(state: Uint8Array): boolean {
    if (this.#isEnded) return false
    this.#do((machine) => machine.update(state, this.#parts!.notes.timers.now()))
    return true
  }

  subscribe(): Changes<S> {
    const reader = new Changes<S>(this.#members)
    if (this.#isEnded) reader.close()
    else this.#readers.add(reader)
    return reader
  }

  unsubscribe(reader: Changes<S>): void {
    this.#readers.delete(reader)
    reader.close()
  }

  /** Says goodbye, and ends. */
  leave(): Effect.Effect<void, GossipError> {
    if (this.#isEnded) return Effect.void
    const { notes, state } = this.#parts!
    state.leave()
    const goodbyes = state.take().flatMap((each) => (each._tag === "Broadcast" ? [notes.broadcast(each.note)] : []))
    this.end()
    return Effect.all(goodbyes, { discard: true })
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (this.#timer !== undefined) this.#parts?.notes.timers.cancel(this.#timer)
    for (const reader of this.#readers) reader.close()
    this.#readers.clear()
  }

  #do(call: (state: PresenceState) => void): void {
    if (this.#isEnded) return
    if (this.#parts === undefined) this.#early.push(call)
    else {
      call(this.#parts.state)
      this.#flushSoon()
    }
  }

  /** In a turn of its own: the calls come from within the engine. */
  #flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    this.#parts!.notes.timers.runSoon(() => {
      this.#isFlushing = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#parts === undefined || this.#isEnded) return
    const { notes, state } = this.#parts
    for (const output of state.take()) {
      switch (output._tag) {
        case "Broadcast":
          this.#options.run(notes.broadcast(output.note))
          break
        case "Whisper":
          notes.whisper(output.peer as EndpointId.EndpointId, output.bytes)
          break
        case "KeyInUse":
          this.#options.run(Effect.logWarning("another process uses the key of this node: both show the same member"))
          break
        case "Left":
        case "Lost":
          this.#gone(output.entry.member as EndpointId.EndpointId, output._tag)
          break
        default:
          this.#show(output.entry)
      }
    }
    this.#arm(notes, state)
  }

  #arm({ timers }: MembersNotes, state: PresenceState): void {
    const at = state.deadline
    if (this.#timer !== undefined) {
      if (this.#timer.index >= 0 && this.#timer.at === at) return
      timers.cancel(this.#timer)
    }
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = timers.schedule(Math.max(0, at - timers.now()), () => {
      state.tick(timers.now())
      this.#flush()
    })
  }

  #show(entry: Entry): void {
    if (entry.status !== "here") return
    const id = entry.member as EndpointId.EndpointId
    const decoded = this.#options.decode(entry.here.state)
    if (Exit.isFailure(decoded)) {
      this.#undecodable++
      this.#gone(id, "Left")
      return
    }
    const suspected = entry.accusations !== undefined
    const member = { id, state: decoded.value, since: entry.here.since, suspected }
    this.#members.set(id, member)
    for (const reader of this.#readers) reader.push(id, { _tag: "Here", member })
    this.#publishSoon()
  }

  #gone(id: EndpointId.EndpointId, reason: "Left" | "Lost"): void {
    if (!this.#members.delete(id)) return
    for (const reader of this.#readers) reader.push(id, { _tag: "Gone", reason })
    this.#publishSoon()
  }

  /** A thousand changes in one turn are one new view. */
  #publishSoon(): void {
    if (this.#isPublishing || this.#parts === undefined) return
    this.#isPublishing = true
    this.#parts.notes.timers.runSoon(() => {
      this.#isPublishing = false
      if (!this.#isEnded) this.#options.publish(this.view)
    })
  }
}
