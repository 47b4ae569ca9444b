/**
 * A members-only topic of a node: its keys over time, its doors, its gossip, and the messages in its channels. Here the pure parts of this
 * folder meet Effect, the clock and the transport. It knows no schemas and no DHT.
 */
import { EventQueue, firstOf, Signal } from "@topic-tracker/common"
import { concat, toHex } from "@topic-tracker/common/Bytes"
import { type ChannelMode, EpochWindow, MembersKeys, Note } from "@topic-tracker/crypto/members"
import { Effect, Random, type Scope, Stream } from "effect"
import type { GossipConfig } from "../GossipConfig.ts"
import {
  type AcknowledgeOptions,
  type BytesPublished,
  type ChannelEvent,
  GossipError,
  type GossipService,
  type MembersOptions,
  type MembersTopic,
} from "../model.ts"
import { GossipTransport } from "../transport/Transport.ts"
import { wantedExtension } from "./Acknowledgements.ts"
import { ChannelPublisher } from "./ChannelPublisher.ts"
import { ChannelWriter } from "./ChannelWriter.ts"
import { ExcludedPeers } from "./ExcludedPeers.ts"
import { makeEpochs } from "./keepEpochs.ts"
import type { MembersLine } from "./MembersLine.ts"
import type { MembersRouter } from "./MembersRouter.ts"
import { MAX_CONTENT_BYTES } from "./MembersState.ts"
import { admissionOf, makeAdmissions } from "./makeAdmissions.ts"
import { PartPace } from "./PartPace.ts"
import { type Reader, TopicCore } from "./TopicCore.ts"

/** What {@link openMembersTopic} needs besides the options of its user. */
export interface MembersTopicParts {
  readonly config: GossipConfig
  /** The handler of the transport's connections for members-only topics. */
  readonly router: MembersRouter
  /** Makes the gossip of one topic on the transport of the environment. */
  readonly makeGossip: (config: GossipConfig) => Effect.Effect<GossipService, never, GossipTransport | Scope.Scope>
}

const CAPACITY = 256
/** The longest wait for what a neighbour tells first. */
const HEADS_MS = 200
const NONCE_BYTES = 32
const NO_BYTES = new Uint8Array(0)

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
  const epochs = yield* makeEpochs(options, keys, window)

  const context = yield* Effect.context()
  const fork = Effect.runForkWith(context)
  // From the system's generator, or from the Random of this fiber in tests: both answer at once.
  const nonce = () => Effect.runSyncWith(context)(crypto.randomBytes(NONCE_BYTES))
  const random = yield* Random.Random
  const session = yield* crypto.randomBytes(8)
  const excluded = new ExcludedPeers()
  const admissions = options.allow && makeAdmissions(options.allow, timers, fork)
  const core = new TopicCore(
    { ...options, admissions },
    { keys, window, timers, random: () => random.nextDoubleUnsafe() },
  )
  const line: MembersLine = {
    door: { gossipTopic: keys.gossipTopic.bytes, window, nonce },
    get handler() {
      return core.handler
    },
    allow:
      admissions &&
      ((peer, answer) => admissions.get(peer, "neighbor", (allowed) => answer(DOOR_ANSWERS[allowed ?? "unknown"]))),
    proven: (epoch, peer, flags) => {
      excluded.delete(peer)
      core.noteFlags(peer, flags)
      const before = window.speaking
      window.noteProven(epoch)
      if (window.speaking > before + 1) router.renew(line)
    },
    refused: (peer, reason, byPeer) => options.onRefused?.(peer, reason, byPeer),
    excluded: (peer) => excluded.add(peer),
    repairsOpened: (peer, send, takesWhispers) => core.repairsOpened(peer, send, takesWhispers),
    repairsClosed: (peer) => core.repairsClosed(peer),
    repair: (peer, message) => core.repair(peer, message),
  }
  core.onBan = (peer, ms) => router.ban(line, peer, ms)
  if (admissions !== undefined) admissions.onRefused = (peer) => excluded.notify({ _tag: "Peer", peer })
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
    validate: (from, content, contentScope) => core.validate(from, content, contentScope),
    emitsContents: false,
    gate: core.gate,
  })
  // Before gossip leaves the topic. A last envelope shows the others whether they have all before it.
  yield* Effect.addFinalizer(() =>
    Effect.forEach(core.publishers, (publisher) => publisher.end, { discard: true }).pipe(
      Effect.timeoutOption(config.closeTimeoutMs),
    ),
  )
  yield* Effect.forkScoped(
    Stream.runForEach(excluded.mark(yield* gossip.subscribe({ capacity: CAPACITY })), (event) =>
      Effect.flatMap(gossip.neighbors, (neighbors) =>
        Effect.sync(() => {
          core.noteNeighbors(neighbors.size)
          if (event._tag === "NeighborDown") core.notes.neighborDown(event.peer, event.reason === "lost")
          core.notes.setNeighbors(neighbors)
        }),
      ),
    ),
  )
  yield* epochs.keep(() => router.renew(line))

  const pace = new PartPace()
  const publisherOf = (tag: Uint8Array, mode: ChannelMode) =>
    core.publisher(
      toHex(tag),
      () =>
        new ChannelPublisher({
          writer: new ChannelWriter({
            crypto,
            window,
            gossipTopic: keys.gossipTopic.bytes,
            author: options.author,
            session,
            channel: tag,
            mode,
            maxContentBytes: service.maxContentBytes,
          }),
          gossip,
          scope: mode.neighborsOnly ? "neighbors" : "swarm",
          timers,
          pace,
          published: (envelope) => core.published(envelope),
          fork: (effect) => void fork(effect),
        }),
    )
  core.onAnswer = (extension) => {
    const answers = publisherOf(keys.channelTag("", SIGNED), SIGNED)
    fork(Effect.ignore(answers.publish([NO_BYTES], { extension })))
  }

  const maxContentBytes = options.maxContentBytes ?? MAX_CONTENT_BYTES
  const channel: MembersTopic["channel"] = Effect.fnUntraced(function* (
    name,
    { mode = SIGNED, capacity = CAPACITY, whenSlow = "drop-oldest", from = "now" } = {},
  ) {
    const tag = keys.channelTag(name, mode)
    const hex = toHex(tag)
    const queue: Reader = new EventQueue<ChannelEvent>({
      capacity,
      whenFull: whenSlow,
      lagged: (skipped) => ({ _tag: "Lagged", skipped }),
      onDrained: () => core.readerDrained(queue),
    })
    const publisher = publisherOf(tag, mode)
    yield* Effect.acquireRelease(
      Effect.sync(() => core.addReader(hex, queue, from === "recent")),
      () => Effect.sync(() => core.removeReader(hex, queue)),
    )
    const stream = toHex(concat(options.author.publicKey, session, tag))
    return {
      events: queue.stream,
      publish: (messages, { acknowledge, wait = true } = {}) =>
        Effect.suspend((): Effect.Effect<BytesPublished, GossipError> => {
          for (const { length } of messages) {
            if (length <= maxContentBytes) continue
            const message = `message: ${length} bytes; must be at most ${maxContentBytes}`
            return Effect.fail(new GossipError({ reason: "MessageTooLarge", message }))
          }
          if (wait && !core.hasNeighbor.isOpen) {
            return Effect.andThen(
              core.hasNeighbor.await,
              Effect.suspend(() => send(messages, acknowledge)),
            )
          }
          return send(messages, acknowledge)
        }),
    }

    function send(
      messages: ReadonlyArray<Uint8Array>,
      acknowledge: AcknowledgeOptions | undefined,
    ): Effect.Effect<BytesPublished, GossipError> {
      const neighbors = core.neighborCount
      if (acknowledge !== undefined) return sendAcknowledged(messages, acknowledge)
      return Effect.map(publisher.publish(messages), (seq) => ({ seq, neighbors, acknowledged: 0 }))
    }

    function sendAcknowledged(
      messages: ReadonlyArray<Uint8Array>,
      { by, withinMs }: AcknowledgeOptions,
    ): Effect.Effect<BytesPublished, GossipError> {
      const neighbors = core.neighborCount
      const enough = new Signal(timers, false)
      let count: () => number = () => 0
      let end = () => {}
      const sealed = (seq: number) => {
        const expected = core.acknowledgements.expect(stream, seq + messages.length - 1, by, () => enough.open())
        count = expected.count
        end = expected.end
      }
      const extension = by > neighbors ? wantedExtension(by) : undefined
      return Effect.gen(function* () {
        const seq = yield* publisher.publish(messages, { sealed, ...(extension && { extension }) })
        yield* firstOf(timers, [enough], withinMs)
        return { seq, neighbors, acknowledged: count() }
      }).pipe(Effect.ensuring(Effect.sync(() => end())))
    }
  })

  const notes: MembersTopic["notes"] = Effect.fnUntraced(function* (handler) {
    const isFirst = yield* Effect.acquireRelease(
      Effect.sync(() => core.notes.attach(handler)),
      () => Effect.sync(() => core.notes.detach(handler)),
    )
    if (!isFirst) {
      const message = "handler: the topic's notes have one already"
      return yield* new GossipError({ reason: "InvalidArgument", message })
    }
    return {
      self: service.endpointId,
      timers,
      sign: (kind, stamp, body) => Note.sign(crypto, keys.gossipTopic.bytes, options.author, { kind, stamp, body }),
      verify: (note) => core.notes.verify(note),
      admits: (author) => core.notes.admits(author),
      broadcast: (note) => gossip.broadcast(note),
      whisper: (peer, bytes) => core.notes.whisper(peer, bytes),
    }
  })

  return {
    gossip: { ...gossip, subscribe: (given) => Effect.map(gossip.subscribe(given), excluded.mark) },
    door: line.door,
    admission: (peer, as) => admissionOf(admissions, peer, as),
    recheck: Effect.suspend(() => {
      if (admissions === undefined) return Effect.void
      return Effect.andThen(
        Effect.callback<void>((resume) => admissions.recheck(() => resume(Effect.void))),
        Effect.sync(() => {
          for (const peer of router.peers(line)) {
            if (admissions.current(peer, "neighbor") === "refuse") router.drop(line, peer)
          }
        }),
      )
    }),
    endOverlap: Effect.sync(() => {
      const first = Math.min(epochs.secretSince(), window.own)
      window.endOverlap(first)
      router.endOlderThan(line, first)
      excluded.notify({ _tag: "Older", epoch: first })
    }),
    onExcluded: (listener) => excluded.listen(listener),
    stats: Effect.sync(() => ({ ...core.stats })),
    hasHeads: Effect.suspend(() => firstOf(timers, [core.hasHeads], HEADS_MS)),
    channel,
    notes,
  }
})

const DOOR_ANSWERS = { admit: "admit", mute: "admit", refuse: "not allowed", unknown: "busy" } as const

const SIGNED: ChannelMode = { group: false, neighborsOnly: false }
