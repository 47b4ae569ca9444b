/**
 * The service of sharing: the contents of this node, the streams that peers open about them, and the fetches. How pieces move is in `session` and `swarm`, where they are kept in
 * `storage`.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { type PeerError, Peers } from "@topic-tracker/peers"
import { Clock, Context, Effect, Exit, Layer, Random, Scope, Semaphore, Stream } from "effect"
import type { Socket } from "effect/socket"
import { type ContentHash, hashFromBytes, hashToBytes } from "./ContentHash.ts"
import { type FetchParts, fetchContent } from "./fetchContent.ts"
import { Pace, resolveLimits } from "./limits.ts"
import type { ShareOptions, ShareService } from "./model.ts"
import { checkName, type Readable, readSource } from "./readSource.ts"
import { ShareError } from "./ShareError.ts"
import { Content } from "./session/Content.ts"
import type { ContentParts, PieceWriter } from "./session/parts.ts"
import { type Line, pullMessages, runSession, type SharedParts } from "./session/runSession.ts"
import { Session } from "./session/Session.ts"
import type { PieceReader } from "./storage/model.ts"
import { ShareStorage } from "./storage/ShareStorage.ts"
import { PieceMap } from "./swarm/PieceMap.ts"
import { pieceCount } from "./tree/pieces.ts"
import { FrameReader } from "./wire/FrameReader.ts"
import { encode, MAX_PEERS, type Message, SHARE_PROTOCOL } from "./wire/messages.ts"

/**
 * The part of a topic that sharing needs: any joined `Topic` has it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShareTopic {
  readonly neighbors: Effect.Effect<Iterable<EndpointId.EndpointId>>
}

/**
 * Contents of any size among the peers of a topic. Peers are admitted as the `Peers` of the topic admits them.
 *
 * @since 0.1.0
 * @category services
 */
export class Share extends Context.Service<Share, ShareService>()("@topic-tracker/share/Share") {
  /**
   * Shares and fetches contents until the scope closes. Fails with `Closed` if the topic was left, and with `InvalidArgument`, also if the topic has a Share already.
   *
   * @since 0.1.0
   * @example
   * ```ts
   * const share = yield* Share.make(topic)
   * const { hash } = yield* share.share({ path: "holiday.mp4" })
   * ```
   */
  static readonly make = (
    topic: ShareTopic,
    options: ShareOptions = {},
  ): Effect.Effect<ShareService, ShareError, Peers | ShareStorage | Scope.Scope> => makeShare(topic, options)

  /**
   * {@link make} as a layer.
   *
   * @since 0.1.0
   */
  static readonly layer = (
    topic: ShareTopic,
    options: ShareOptions = {},
  ): Layer.Layer<Share, ShareError, Peers | ShareStorage> => Layer.effect(Share, makeShare(topic, options))
}

const OPEN_TIMEOUT_MS = 5_000
const FLUSH_MS = 100
const FLUSHES_PER_TICK = 10
/** Rates that are remembered, for peers that come back. */
const MAX_PACES = 1_024

const makeShare = Effect.fnUntraced(function* (
  topic: ShareTopic,
  options: ShareOptions,
): Effect.fn.Return<ShareService, ShareError, Peers | ShareStorage | Scope.Scope> {
  const limits = yield* resolveLimits(options.limits)
  const peers = yield* Peers
  const storage = yield* ShareStorage
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const scope = yield* Effect.scope
  const maxPieces = pieceCount(limits.maxContentBytes)
  const now = () => clock.currentTimeMillisUnsafe()
  const contents = new Map<ContentHash, Content>()
  const counters = { bytesSent: 0, bytesReceived: 0, wrongPieces: 0, violations: 0 }
  let streams = 0

  const paces = new BoundedMap<EndpointId.EndpointId, Pace>(MAX_PACES)
  const shared: SharedParts = {
    uploads: yield* Semaphore.make(limits.maxUploads),
    pace: new Pace(limits.uploadBytesPerSecond),
    paceOf: ({ peer }) => {
      const pace = paces.get(peer) ?? new Pace(limits.uploadBytesPerSecondPerPeer)
      paces.set(peer, pace)
      return pace
    },
    counters,
    broken: (content) => {
      content.failure = new ShareError({
        reason: "ContentMismatch",
        message: `the file of ${content.hash} has changed since it was shared`,
      })
      contents.delete(content.hash)
      for (const session of content.sessions.values()) session.close()
    },
  }

  // Contents

  /** A content of this node, with its own scope. */
  const addContent = Effect.fnUntraced(function* (
    hash: ContentHash,
    pieces: PieceReader,
    writer: PieceWriter | undefined,
    wrong: ContentParts["wrong"],
    contentScope: Scope.Closeable,
  ) {
    if (contents.size >= limits.maxContents) {
      const oldest = [...contents.values()].find((each) => each.isKept && each.holds === 0)
      if (oldest === undefined) {
        const message = `${contents.size} contents are shared already; limits.maxContents allows no more`
        return yield* new ShareError({ reason: "TooMany", message })
      }
      yield* removeContent(oldest)
    }
    const parts: ContentParts = {
      self: peers.endpointId,
      now,
      random: () => random.nextDoubleUnsafe(),
      maxBytes: limits.maxContentBytes,
      wrong: (peer, piece) => {
        counters.wrongPieces++
        wrong(peer, piece)
      },
      received: (bytes) => {
        counters.bytesReceived += bytes
      },
    }
    const content = new Content(hash, parts, contentScope, pieces, writer)
    contents.set(hash, content)
    yield* Effect.forkIn(beat(content), contentScope)
    return content
  })

  const removeContent = (content: Content) =>
    Effect.suspend(() => {
      if (contents.get(content.hash) === content) contents.delete(content.hash)
      for (const session of content.sessions.values()) session.close()
      return Scope.close(content.scope, Exit.void)
    })

  const beat = (content: Content) =>
    Effect.gen(function* () {
      for (let i = 1; ; i++) {
        yield* content.awake.await
        yield* Effect.sleep(FLUSH_MS)
        content.flush()
        if (i % FLUSHES_PER_TICK === 0) {
          content.tick()
          if (content.sessions.size === 0) content.awake.closeUnsafe()
        }
      }
    })

  // Streams

  const lineOf = Effect.fnUntraced(function* (socket: Socket.Socket) {
    const writer = yield* socket.writer
    const { pull } = yield* socket.reader
    const line: Line = { pull, writer, frames: new FrameReader(maxPieces) }
    return line
  })

  const counted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.sync(() => streams++),
      () => effect,
      () => Effect.sync(() => streams--),
    )

  /** The stream of two that both opened at once which stays is that of the smaller id. Returns false if another one stays. */
  const makeRoom = (content: Content, peer: EndpointId.EndpointId, opener: EndpointId.EndpointId): boolean => {
    const other = content.sessions.get(peer)
    if (other === undefined) return content.sessions.size < limits.maxPeers
    const smaller = peer < peers.endpointId ? peer : peers.endpointId
    if (opener !== smaller && other.opener === smaller && !other.isClosed) return false
    other.close()
    content.remove(other)
    return true
  }

  const answer = Effect.fnUntraced(function* (peer: EndpointId.EndpointId, socket: Socket.Socket) {
    const line = yield* lineOf(socket)
    let messages: ReadonlyArray<Message> | undefined = []
    while (messages?.length === 0) messages = yield* Effect.timeout(pullMessages(line), OPEN_TIMEOUT_MS)
    const open = messages?.[0]
    if (messages === undefined || open?._tag !== "Open") {
      counters.violations++
      return
    }
    const content = contents.get(hashFromBytes(open.hash))
    if (
      content === undefined ||
      content.banned.has(peer) ||
      streams > limits.maxStreams ||
      !makeRoom(content, peer, peer)
    ) {
      const others = content?.peerLists.for(peer) ?? [...(yield* topic.neighbors)].filter((each) => each !== peer)
      return yield* line.writer.write(encode({ _tag: "NotHere", peers: others.slice(0, MAX_PEERS) }))
    }
    const session = yield* Session.make(peer, peer, now())
    yield* runSession(shared, content, session, line, messages.slice(1))
  }, Effect.scoped)

  /** Opens a stream about a content that is fetched, and runs it. */
  const ask = Effect.fnUntraced(function* (content: Content, peer: EndpointId.EndpointId) {
    const socket = yield* peers.connect(peer, { protocol: SHARE_PROTOCOL })
    if (streams > limits.maxStreams || content.isComplete || content.banned.has(peer)) return
    const line = yield* lineOf(socket)
    yield* line.writer.write(encode({ _tag: "Open", hash: hashToBytes(content.hash) }))
    let messages: ReadonlyArray<Message> | undefined = []
    while (messages?.length === 0) messages = yield* pullMessages(line)
    if (messages?.[0]?._tag === "NotHere") {
      content.candidates.add(messages[0].peers, now())
      return
    }
    if (messages === undefined) {
      counters.violations++
      return
    }
    if (!makeRoom(content, peer, peers.endpointId)) return
    content.candidates.answered(peer, now())
    const session = yield* Session.make(peer, peers.endpointId, now())
    yield* runSession(shared, content, session, line, messages)
  }, Effect.scoped)

  yield* peers
    .serve({ protocol: SHARE_PROTOCOL }, ({ peer, socket }) => counted(Effect.ignore(answer(peer, socket))))
    .pipe(Effect.mapError(fromPeers))
  yield* Effect.addFinalizer(() => Effect.forEach([...contents.values()], removeContent, { discard: true }))

  const share: ShareService["share"] = Effect.fnUntraced(function* (source, { name } = {}) {
    yield* checkName(name)
    const contentScope = yield* Scope.fork(scope)
    return yield* Effect.gen(function* () {
      const read: Readable = yield* readSource(storage, source, limits.maxContentBytes).pipe(
        Scope.provide(contentScope),
      )
      let content = contents.get(read.row.hash)
      if (content !== undefined && !content.isComplete) {
        const message = `${content.hash}: is being fetched; wait for it, or share it after that`
        return yield* new ShareError({ reason: "AlreadyFetching", message })
      }
      if (content === undefined) {
        content = yield* addContent(read.row.hash, read, undefined, () => {}, contentScope)
        content.setRow(read.row, name ?? read.name, PieceMap.full(read.row.count))
      } else yield* Scope.close(contentScope, Exit.void)
      const added = content
      added.holds++
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => (--added.holds === 0 && !added.isKept ? removeContent(added) : Effect.void)),
      )
      return {
        hash: added.hash,
        size: read.row.size,
        name: added.name,
        uploaded: Effect.sync(() => added.uploadedBytes),
      }
    }).pipe(Effect.onError((cause) => Scope.close(contentScope, Exit.failCause(cause))))
  })

  const fetchParts: FetchParts = {
    storage,
    limits,
    contents,
    scope,
    now,
    candidates: options.peers ?? topic.neighbors,
    addContent,
    removeContent,
    ask: (content, peer) =>
      counted(ask(content, peer)).pipe(
        Effect.catch((error) =>
          Effect.sync(() => {
            if (error._tag === "PeerError" && (error.reason === "Closed" || error.reason === "Left")) {
              // A peer may leave as well.
              if (error.peer === undefined || error.reason === "Closed") content.failure = fromPeers(error)
            }
          }),
        ),
      ),
  }

  const read: ShareService["read"] = (hash) =>
    Stream.unwrap(
      Effect.suspend(() => {
        const content = contents.get(hash)
        const row = content?.row
        if (content === undefined || row === undefined || !content.isComplete) {
          return Effect.fail(new ShareError({ reason: "NotFound", message: `${hash}: not complete here` }))
        }
        return Effect.succeed(
          Stream.range(0, row.count - 1).pipe(
            Stream.mapEffect((piece) =>
              Effect.flatMap(content.pieces.read(piece), (bytes) =>
                row.isRight(piece, bytes)
                  ? Effect.succeed(bytes)
                  : Effect.fail(
                      new ShareError({ reason: "ContentMismatch", message: `${hash}: its file was changed` }),
                    ),
              ),
            ),
          ),
        )
      }),
    )

  return {
    share,
    fetch: (hash, fetchOptions = {}) => fetchContent(fetchParts, hash, fetchOptions),
    read,
    stats: Effect.sync(() => ({ ...counters, contents: contents.size, streams })),
  }
})

const fromPeers = ({ message, reason }: PeerError): ShareError =>
  new ShareError({ reason: reason === "InvalidArgument" ? "InvalidArgument" : "Closed", message })
