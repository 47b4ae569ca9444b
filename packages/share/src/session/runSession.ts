/** Runs one stream about a content over a peer's socket: reads messages, sends ours, and uploads pieces one after the other, until one side has enough. */
import { Cause, Clock, Deferred, Effect, Fiber, Queue, type Semaphore } from "effect"
import { Socket } from "effect/socket"
import type { Pace } from "../limits.ts"
import type { ShareError } from "../ShareError.ts"
import type { FrameReader } from "../wire/FrameReader.ts"
import { encode, type Message } from "../wire/messages.ts"
import type { Content } from "./Content.ts"
import type { Session } from "./Session.ts"

/** A peer that does not take a piece in this time loses its stream. */
const UPLOAD_TIMEOUT_MS = 60_000
/** A peer that is slower than this does not keep others from their turn. */
const TURN_MS = 5_000

const VIOLATION_CODE = 1_002

/** What all streams of a node share. */
export interface SharedParts {
  readonly uploads: Semaphore.Semaphore
  readonly pace: Pace
  readonly paceOf: (session: Session) => Pace
  readonly counters: { bytesSent: number; violations: number }
  /** A piece of ours is not what it was: the file has changed. */
  readonly broken: (content: Content) => void
}

/** The two halves of a stream. */
export interface Line {
  readonly pull: Socket.Reader["pull"]
  readonly writer: Socket.Writer
  readonly frames: FrameReader
}

/** The next messages of the peer; undefined if it does not keep to the protocol. */
export const pullMessages = ({
  frames,
  pull,
}: Line): Effect.Effect<ReadonlyArray<Message> | undefined, Socket.SocketError> =>
  Effect.map(pull, (chunks) => {
    const messages: Array<Message> = []
    for (const chunk of chunks) {
      const more = typeof chunk === "string" ? undefined : frames.push(chunk)
      if (more === undefined) return undefined
      messages.push(...more)
    }
    return messages
  })

/** `first`: messages that came already. Ends when the stream is over; an error of the storage is the content's failure. */
export const runSession = Effect.fnUntraced(function* (
  shared: SharedParts,
  content: Content,
  session: Session,
  line: Line,
  first: ReadonlyArray<Message>,
) {
  const { writer } = line

  const violated = Effect.sync(() => {
    shared.counters.violations++
  }).pipe(Effect.andThen(writer.write(new Socket.CloseEvent(VIOLATION_CODE, "protocol error"))))

  const readLoop = Effect.gen(function* () {
    let messages: ReadonlyArray<Message> | undefined = first
    for (;;) {
      if (messages === undefined) return yield* violated
      for (const message of messages) if (!(yield* content.receive(session, message))) return yield* violated
      messages = yield* pullMessages(line)
    }
  })

  const sendLoop = Effect.forever(Effect.flatMap(Queue.takeAll(session.outbox), (all) => writer.writeAll(all)))

  const uploadLoop = Effect.forever(
    Effect.flatMap(Queue.take(session.wants), (piece) =>
      upload(shared, content, session, writer, piece).pipe(Effect.ensuring(Effect.sync(() => session.served(piece)))),
    ),
  )

  content.add(session)
  yield* Effect.raceAllFirst([Deferred.await(session.over), readLoop, sendLoop, uploadLoop]).pipe(
    Effect.catchCause((cause) => {
      const error = Cause.findErrorOption(cause)
      if (error._tag === "Some" && !Socket.isSocketError(error.value) && !Cause.isTimeoutError(error.value)) {
        content.failure = error.value
      }
      return Cause.hasDies(cause) ? Effect.failCause(cause) : Effect.void
    }),
    Effect.ensuring(
      Effect.sync(() => {
        session.close()
        content.remove(session)
      }),
    ),
  )
})

const upload = Effect.fnUntraced(function* (
  { broken, counters, pace, paceOf, uploads }: SharedParts,
  content: Content,
  session: Session,
  writer: Socket.Writer,
  piece: number,
): Effect.fn.Return<void, Socket.SocketError | ShareError | Cause.TimeoutError> {
  if (!session.takeWanted(piece)) return
  const length = content.row?.lengthOf(piece) ?? 0
  yield* pauseFor(paceOf(session), length)
  const sending = yield* uploads.withPermit(
    Effect.gen(function* () {
      yield* pauseFor(pace, length)
      const bytes = yield* content.pieces.read(piece)
      if (content.row?.isRight(piece, bytes) !== true) {
        broken(content)
        return undefined
      }
      if (!session.takeWanted(piece)) return undefined
      // Before the write: what a peer takes half of has been sent too.
      content.sent(bytes.length, piece)
      counters.bytesSent += bytes.length
      const writing = yield* Effect.forkChild(
        Effect.timeout(writer.write(encode({ _tag: "Piece", piece, bytes })), UPLOAD_TIMEOUT_MS),
      )
      yield* Effect.timeoutOption(Fiber.await(writing), TURN_MS)
      return writing
    }),
  )
  if (sending !== undefined) yield* Fiber.join(sending)
})

const pauseFor = (pace: Pace, bytes: number): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const wait = pace.wait(now, bytes)
    return wait > 0 ? Effect.sleep(wait) : Effect.void
  })
