/** A fetch: looks for peers that have the content, tells how far it is, and ends when all pieces are here or nobody gives one any more. */
import type { EndpointId } from "@topic-tracker/crypto"
import { type Cause, Duration, Effect, Exit, Queue, Schema, Scope, Stream } from "effect"
import { ContentHash } from "./ContentHash.ts"
import type { ShareLimits } from "./limits.ts"
import type { FetchEvent, FetchOptions } from "./model.ts"
import { ShareError } from "./ShareError.ts"
import type { Content } from "./session/Content.ts"
import type { ContentParts, PieceWriter } from "./session/parts.ts"
import type { PartialContent, PieceReader, ShareStorageService } from "./storage/model.ts"
import { PieceMap } from "./swarm/PieceMap.ts"

/** What a fetch needs of the service. */
export interface FetchParts {
  readonly storage: ShareStorageService
  readonly limits: ShareLimits
  readonly contents: ReadonlyMap<ContentHash, Content>
  readonly scope: Scope.Scope
  readonly now: () => number
  readonly candidates: Effect.Effect<Iterable<EndpointId.EndpointId>>
  readonly addContent: (
    hash: ContentHash,
    pieces: PieceReader,
    writer: PieceWriter | undefined,
    wrong: ContentParts["wrong"],
    scope: Scope.Closeable,
  ) => Effect.Effect<Content, ShareError>
  readonly removeContent: (content: Content) => Effect.Effect<void>
  /** Opens a stream to the peer and runs it. */
  readonly ask: (content: Content, peer: EndpointId.EndpointId) => Effect.Effect<void>
}

const DEFAULT_TIMEOUT = Duration.seconds(30)
/** With a peer that has pieces but gives none a fetch waits so many times longer. */
const PATIENCE = 4
const STEP_MS = 200
/** The steps between two questions for new candidates. */
const STEPS_PER_SEARCH = 10
const MAX_DIALS = 4
const RATE_STEPS = 25
const EVENTS = 64

type Events = Queue.Queue<FetchEvent, ShareError | Cause.Done>

export const fetchContent = (
  parts: FetchParts,
  hash: ContentHash,
  options: FetchOptions,
): Stream.Stream<FetchEvent, ShareError> =>
  // A program that does not look loses old events, never the last one.
  Stream.callback<FetchEvent, ShareError>(
    (events) =>
      runFetch(parts, hash, options, events).pipe(
        Effect.matchCauseEffect({
          onFailure: (cause) => Queue.failCause(events, cause),
          onSuccess: () => Queue.end(events),
        }),
      ),
    { bufferSize: EVENTS, strategy: "sliding" },
  )

const isHash = Schema.is(ContentHash)

const runFetch = Effect.fn("Share.fetch")(function* (
  parts: FetchParts,
  hash: ContentHash,
  { from, timeout = DEFAULT_TIMEOUT, to }: FetchOptions,
  events: Events,
) {
  if (!isHash(hash)) {
    const message = `hash: ${JSON.stringify(hash)}; expected 64 hex digits in lower case`
    return yield* new ShareError({ reason: "InvalidArgument", message })
  }
  const timeoutMs = Duration.toMillis(Duration.fromInputUnsafe(timeout))
  if (!(timeoutMs > 0)) {
    const message = `timeout: ${timeoutMs} ms; expected a time above 0`
    return yield* new ShareError({ reason: "InvalidArgument", message })
  }
  const known = parts.contents.get(hash)
  if (known?.isComplete) return yield* copyOut(parts, known, to, events)
  if (known !== undefined) {
    return yield* new ShareError({ reason: "AlreadyFetching", message: `${hash}: is being fetched already` })
  }
  const contentScope = yield* Scope.fork(parts.scope)
  let content: Content | undefined
  yield* Effect.gen(function* () {
    const partial = yield* parts.storage.open(hash, to).pipe(Scope.provide(contentScope))
    const added = yield* parts.addContent(
      hash,
      partial,
      partial,
      (peer, piece) => Queue.offerUnsafe(events, { _tag: "WrongPiece", peer, piece }),
      contentScope,
    )
    content = added
    yield* resume(parts, partial, added)
    yield* follow(parts, added, from, timeoutMs, events, partial)
  }).pipe(
    Effect.onExit((exit) => {
      if (Exit.isSuccess(exit) && content !== undefined) return Effect.void
      return content === undefined ? Scope.close(contentScope, exit) : parts.removeContent(content)
    }),
  )
})

/** Verifies the pieces of an earlier fetch. */
const resume = Effect.fnUntraced(function* ({ limits }: FetchParts, partial: PartialContent, content: Content) {
  const { saved } = partial
  if (saved === undefined) return
  if (saved.row.size > limits.maxContentBytes) return yield* tooLarge(saved.row.size, limits)
  const map = new PieceMap(saved.row.count)
  for (const piece of saved.pieces) {
    if (saved.row.isRight(piece, yield* partial.read(piece))) map.add(piece)
    yield* Effect.yieldNow
  }
  content.setRow(saved.row, saved.name, map)
})

const tooLarge = (size: number, { maxContentBytes }: ShareLimits): ShareError =>
  new ShareError({
    reason: "TooLarge",
    message: `the content has ${size} bytes; limits.maxContentBytes allows ${maxContentBytes}`,
  })

const follow = Effect.fnUntraced(function* (
  parts: FetchParts,
  content: Content,
  from: FetchOptions["from"],
  timeoutMs: number,
  events: Events,
  partial: PartialContent,
) {
  const { limits, now } = parts
  const startedAt = now()
  const rates: Array<number> = []
  let isFound = false
  let reported = -1
  let asked = -1
  let dials = 0
  if (from !== undefined) content.candidates.add(from, startedAt)

  const report = (): void => {
    const { row, verifiedBytes } = content
    if (row === undefined) {
      if (content.candidates.asked === asked) return
      asked = content.candidates.asked
      Queue.offerUnsafe(events, { _tag: "Searching", asked })
      return
    }
    if (!isFound) {
      isFound = true
      reported = content.resumedBytes
      Queue.offerUnsafe(events, { _tag: "Found", size: row.size, name: content.name, resumed: reported })
    }
    rates.push(verifiedBytes)
    if (rates.length > RATE_STEPS) rates.shift()
    if (verifiedBytes === reported) return
    reported = verifiedBytes
    const seconds = ((rates.length - 1) * STEP_MS) / 1_000
    Queue.offerUnsafe(events, {
      _tag: "Progress",
      verified: verifiedBytes,
      size: row.size,
      providers: content.providers,
      bytesPerSecond: seconds === 0 ? 0 : Math.round((verifiedBytes - rates[0]!) / seconds),
    })
  }

  const dial = (peer: EndpointId.EndpointId) => {
    dials++
    return Effect.forkIn(
      Effect.ensuring(
        parts.ask(content, peer),
        Effect.sync(() => {
          dials--
        }),
      ),
      content.scope,
    )
  }

  for (let step = 0; ; step++) {
    report()
    if (content.failure !== undefined) return yield* content.failure
    if (content.isComplete) break
    const waited = now() - Math.max(startedAt, content.gainedAt)
    if (waited >= timeoutMs * (content.providers > 0 ? PATIENCE : 1)) return yield* whyNothing(content, limits, waited)
    if (step % STEPS_PER_SEARCH === 0) content.candidates.add(yield* parts.candidates, now())
    // A dial becomes a stream: those that are one already count once.
    const busy = Math.max(dials, content.sessions.size)
    const room = Math.min(MAX_DIALS, limits.maxProviders - busy)
    const due = content.candidates.take(room, now(), (peer) => !content.sessions.has(peer) && !content.banned.has(peer))
    yield* Effect.forEach(due, dial, { discard: true })
    yield* Effect.sleep(STEP_MS)
  }
  content.path = yield* partial.finish
  content.isKept = true
  const size = content.row?.size ?? 0
  Queue.offerUnsafe(events, { _tag: "Done", size, path: content.path, name: content.name })
})

const whyNothing = (content: Content, limits: ShareLimits, waited: number): ShareError => {
  const seconds = Math.round(waited / 1_000)
  if (content.row === undefined && content.claimedSize !== undefined && content.claimedSize > limits.maxContentBytes) {
    return tooLarge(content.claimedSize, limits)
  }
  if (content.banned.size > 0) {
    const message = `${content.hash}: ${content.banned.size} peers sent something else under this hash, and no other peer has it`
    return new ShareError({ reason: "ContentMismatch", message })
  }
  const message =
    content.row === undefined
      ? `${content.hash}: no peer has it; ${content.candidates.asked} were asked in ${seconds} s`
      : `${content.hash}: no peer gave a piece for ${seconds} s; ${content.verifiedBytes} of ${content.row.size} bytes are here`
  return new ShareError({ reason: "NobodyHasIt", message })
}

/** The content is here already: writes it to the place that was asked for. */
const copyOut = Effect.fnUntraced(function* (
  { storage }: FetchParts,
  content: Content,
  to: string | undefined,
  events: Events,
) {
  const { name, row } = content
  if (row === undefined) return
  Queue.offerUnsafe(events, { _tag: "Found", size: row.size, name, resumed: row.size })
  let { path } = content
  if (to !== undefined && to !== path) {
    const partial = yield* storage.open(content.hash, to)
    yield* partial.begin(row, name)
    for (let piece = 0; piece < row.count; piece++) yield* partial.write(piece, yield* content.pieces.read(piece))
    path = yield* partial.finish
  }
  Queue.offerUnsafe(events, { _tag: "Done", size: row.size, path, name })
}, Effect.scoped)
