/**
 * A members-only topic of a node: its keys over time, its doors, its gossip, and the messages in its channels. Here the pure parts of this
 * folder meet Effect, the clock and the transport. It knows no schemas and no DHT.
 */
import { EventQueue, Signal, type Timer, type Timers } from "@topic-tracker/common"
import { toHex } from "@topic-tracker/common/Bytes"
import { EndpointId } from "@topic-tracker/crypto"
import { type ChannelMode, type Envelope, EpochWindow, MembersKeys } from "@topic-tracker/crypto/members"
import { Clock, Effect, type Scope, Stream } from "effect"
import type { GossipConfig } from "../GossipConfig.ts"
import { type ChannelEvent, GossipError, type GossipService, type MembersOptions, type MembersTopic } from "../model.ts"
import { GossipTransport, type TransportHandler } from "../transport/Transport.ts"
import { ChannelWriter } from "./ChannelWriter.ts"
import type { MembersLine, MembersRouter } from "./MembersRouter.ts"
import { MAX_CONTENT_BYTES, MembersState, type MembersStats } from "./MembersState.ts"
import { NeighborScore } from "./NeighborScore.ts"
import type { RepairMessage } from "./repairMessages.ts"

/** What {@link openMembersTopic} needs besides the options of its user. */
export interface MembersTopicParts {
  readonly config: GossipConfig
  /** The handler of the transport's connections for members-only topics. */
  readonly router: MembersRouter
  /** Makes the gossip of one topic on the transport of the environment. */
  readonly makeGossip: (config: GossipConfig) => Effect.Effect<GossipService, never, GossipTransport | Scope.Scope>
}

const CAPACITY = 256

/** Takes part in a members-only topic until the scope closes. */
export const openMembersTopic = Effect.fnUntraced(function* (
  options: MembersOptions,
  { config, makeGossip, router }: MembersTopicParts,
): Effect.fn.Return<MembersTopic, GossipError, GossipTransport | Scope.Scope> {
  const transport = yield* GossipTransport
  const { crypto } = options
  const { timers } = transport
  const keys = new MembersKeys(crypto, options.topic, options.secretHash)
  const window = new EpochWindow(options)
  const deriveKeys = Effect.gen(function* () {
    const before = window.speaking
    // A clock before 1970 has no minute: such a node meets nobody until its clock is right.
    const minute = Math.max(0, Math.floor((yield* Clock.currentTimeMillis) / 60_000))
    for (const epoch of window.setMinute(minute)) {
      const input = { topic: options.topic, unixMinute: BigInt(epoch), initialSecretHash: options.secretHash }
      window.add(keys.epoch(epoch, yield* options.rotation.encryptionSeed(input)))
    }
    return window.speaking > before + 1
  })
  yield* deriveKeys

  const fork = Effect.runForkWith(yield* Effect.context())
  const session = yield* crypto.randomBytes(8)
  const core = new TopicCore(options, keys, window, timers)
  const line: MembersLine = {
    door: { gossipTopic: keys.gossipTopic.bytes, window },
    get handler() {
      return core.handler
    },
    allow: options.allow && ((peer, answer) => void fork(Effect.map(options.allow!(peer), answer))),
    proven: (epoch) => {
      const before = window.speaking
      window.noteProven(epoch)
      if (window.speaking > before + 1) router.renew(line)
    },
    refused: (peer, reason, byPeer) => options.onRefused?.(peer, reason, byPeer),
    repairsOpened: (peer, send) => core.repairsOpened(peer, send),
    repairsClosed: (peer) => core.repairsClosed(peer),
    repair: (peer, message) => core.repair(peer, message),
  }
  core.onBan = (peer, ms) => router.ban(line, peer, ms)
  yield* Effect.addFinalizer(() => Effect.sync(() => core.close()))

  const service = yield* makeGossip(config).pipe(
    Effect.provideService(GossipTransport, {
      ...transport,
      listen: (handler) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            core.handler = handler
            router.addLine(line)
          }),
          () => Effect.sync(() => router.removeLine(line)),
        ),
      dial: (peer, dialOptions) => router.dial(line, peer, dialOptions),
    }),
  )
  const gossip = yield* service.open(keys.gossipTopic, {
    validate: (from, content, scope) => core.validate(from, content, scope),
  })
  yield* Effect.forkScoped(
    Stream.runForEach(yield* gossip.subscribe({ capacity: CAPACITY }), (event) =>
      Effect.sync(() => {
        if (event._tag === "NeighborUp") core.hasNeighbor.open()
        else if (event._tag === "NeighborDown") core.noteNeighbors(0)
      }).pipe(
        Effect.andThen(gossip.neighbors),
        Effect.map(({ size }) => core.noteNeighbors(size)),
      ),
    ),
  )
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      for (;;) {
        const now = yield* Clock.currentTimeMillis
        yield* Effect.sleep(60_000 - (now % 60_000))
        if (yield* deriveKeys) router.renew(line)
      }
    }),
  )

  const maxContentBytes = options.maxContentBytes ?? MAX_CONTENT_BYTES
  const channel: MembersTopic["channel"] = Effect.fnUntraced(function* (
    name,
    { mode = SIGNED, capacity = CAPACITY } = {},
  ) {
    const tag = keys.channelTag(name, mode)
    const scope = mode.neighborsOnly ? "neighbors" : "swarm"
    const queue = new EventQueue<ChannelEvent>({
      capacity,
      whenFull: "drop-oldest",
      lagged: (skipped) => ({ _tag: "Lagged", skipped }),
    })
    const writer = core.writer(
      toHex(tag),
      () =>
        new ChannelWriter({
          crypto,
          window,
          gossipTopic: keys.gossipTopic.bytes,
          author: options.author,
          session,
          channel: tag,
          mode,
          maxContentBytes: service.maxContentBytes,
        }),
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => core.addReader(toHex(tag), queue)),
      () => Effect.sync(() => core.removeReader(toHex(tag), queue)),
    )
    return {
      events: queue.stream,
      publish: (messages, { wait = true } = {}) =>
        Effect.gen(function* () {
          const large = messages.find(({ length }) => length > maxContentBytes)
          if (large !== undefined) {
            const message = `message: ${large.length} bytes; must be at most ${maxContentBytes}`
            return yield* new GossipError({ reason: "MessageTooLarge", message })
          }
          if (wait) yield* core.hasNeighbor.await
          const { envelopes, firstSeq } = writer.write(messages)
          for (const envelope of envelopes) {
            core.published(envelope)
            yield* gossip.broadcast(envelope, scope)
          }
          return firstSeq
        }),
    }
  })

  return { gossip, stats: Effect.sync(() => ({ ...core.stats })), channel }
})

const SIGNED: ChannelMode = { group: false, neighborsOnly: false }

/** The synchronous part: everything that runs within a callback of the engine, the router or a timer. */
class TopicCore {
  handler: TransportHandler = { connected: (connection) => connection.close(), dialFailed: () => {} }
  onBan: (peer: EndpointId.EndpointId, ms: number) => void = () => {}
  /** Open while the topic has a neighbour. */
  readonly hasNeighbor: Signal
  readonly #timers: Timers
  readonly #state: MembersState
  readonly #score = new NeighborScore()
  readonly #readers = new Map<string, Set<EventQueue<ChannelEvent>>>()
  readonly #writers = new Map<string, ChannelWriter>()
  readonly #repairs = new Map<string, (message: RepairMessage) => void>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: MembersOptions, keys: MembersKeys, window: EpochWindow, timers: Timers) {
    this.#timers = timers
    this.hasNeighbor = new Signal(timers, false)
    this.#state = new MembersState({
      crypto: options.crypto,
      window,
      gossipTopic: keys.gossipTopic.bytes,
      self: EndpointId.fromBytes(options.author.publicKey),
      now: timers.now(),
      ...(options.maxContentBytes !== undefined && { maxContentBytes: options.maxContentBytes }),
    })
  }

  get stats(): MembersStats {
    return this.#state.stats
  }

  noteNeighbors(count: number): void {
    if (count > 0) this.hasNeighbor.open()
    else this.hasNeighbor.close()
  }

  validate(
    from: EndpointId.EndpointId,
    content: Uint8Array,
    scope: Envelope.EnvelopeScope,
  ): "accept" | "ignore" | "reject" {
    const { verdict } = this.#state.receive(from, content, scope, this.#timers.now())
    if (verdict === "reject") this.#noteReject(from)
    this.#flush()
    return verdict === "later" ? "ignore" : verdict
  }

  published(envelope: Uint8Array): void {
    this.#state.published(envelope, this.#timers.now())
    this.#flush()
  }

  repairsOpened(peer: EndpointId.EndpointId, send: (message: RepairMessage) => void): void {
    this.#repairs.set(peer, send)
    this.#state.neighborUp(peer, { answersRepairs: true }, this.#timers.now())
    this.#flush()
  }

  repairsClosed(peer: EndpointId.EndpointId): void {
    this.#repairs.delete(peer)
    this.#state.neighborDown(peer)
  }

  repair(peer: EndpointId.EndpointId, message: RepairMessage): void {
    if (!this.#state.receiveRepair(peer, message, this.#timers.now())) this.#noteReject(peer)
    this.#flush()
  }

  writer(channel: string, make: () => ChannelWriter): ChannelWriter {
    const found = this.#writers.get(channel) ?? make()
    this.#writers.set(channel, found)
    return found
  }

  addReader(channel: string, queue: EventQueue<ChannelEvent>): void {
    const readers = this.#readers.get(channel) ?? new Set()
    readers.add(queue)
    this.#readers.set(channel, readers)
  }

  removeReader(channel: string, queue: EventQueue<ChannelEvent>): void {
    const readers = this.#readers.get(channel)
    readers?.delete(queue)
    if (readers?.size === 0) this.#readers.delete(channel)
    queue.close()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== undefined) this.#timers.cancel(this.#timer)
    for (const readers of this.#readers.values()) for (const queue of readers) queue.close()
  }

  #noteReject(from: EndpointId.EndpointId): void {
    const ms = this.#score.noteReject(from, true, this.#timers.now())
    // In a turn of its own: this call may come from within the engine.
    if (ms !== undefined) this.#timers.runSoon(() => this.onBan(from, ms))
  }

  /** Hands on what the state gave, and sets the timer for its next deadline. */
  #flush(): void {
    for (const each of this.#state.takeEvents()) {
      if (each._tag === "Send") this.#repairs.get(each.to)?.(each.message)
      else this.#deliver(each.stream.key, each.event, each.isSigned)
    }
    if (this.#isClosed) return
    const at = this.#state.deadline
    if (this.#timer !== undefined) {
      if (this.#timer.index >= 0 && this.#timer.at <= at) return
      this.#timers.cancel(this.#timer)
    }
    this.#timer = this.#timers.schedule(Math.max(0, at - this.#timers.now()), () => {
      this.#state.tick(this.#timers.now())
      this.#flush()
    })
  }

  #deliver(stream: string, event: OrderEventOf, proven: boolean): void {
    const readers = this.#readers.get(stream.slice(80))
    if (readers === undefined || event._tag === "Ended") return
    const author = stream.slice(0, 64) as EndpointId.EndpointId
    const session = stream.slice(64, 80)
    for (const queue of readers) {
      if (event._tag === "Missed") queue.push({ _tag: "Missed", author, session, from: event.from, to: event.to })
      else {
        const deliveredFrom = event.from as EndpointId.EndpointId
        // Each reader has bytes of its own: they are parts of the envelope that is kept for others.
        queue.push({
          _tag: "Received",
          author,
          proven,
          session,
          seq: event.seq,
          message: event.message.slice(),
          deliveredFrom,
        })
      }
    }
  }
}

type OrderEventOf = Extract<ReturnType<MembersState["takeEvents"]>[number], { readonly _tag: "Order" }>["event"]
