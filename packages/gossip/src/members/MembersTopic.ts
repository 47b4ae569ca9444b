/**
 * A members-only topic of a node: its keys over time, its doors, its gossip, and the messages in its channels. Here the pure parts of this
 * folder meet Effect, the clock and the transport. It knows no schemas and no DHT.
 */
import { EventQueue } from "@topic-tracker/common"
import { toHex } from "@topic-tracker/common/Bytes"
import { type ChannelMode, EpochWindow, MembersKeys } from "@topic-tracker/crypto/members"
import { Clock, Effect, type Scope, Stream } from "effect"
import type { GossipConfig } from "../GossipConfig.ts"
import { type ChannelEvent, GossipError, type GossipService, type MembersOptions, type MembersTopic } from "../model.ts"
import { GossipTransport } from "../transport/Transport.ts"
import { ChannelWriter } from "./ChannelWriter.ts"
import type { MembersLine, MembersRouter } from "./MembersRouter.ts"
import { MAX_CONTENT_BYTES } from "./MembersState.ts"
import { TopicCore } from "./TopicCore.ts"

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

  return { gossip, door: line.door, stats: Effect.sync(() => ({ ...core.stats })), channel }
})

const SIGNED: ChannelMode = { group: false, neighborsOnly: false }
