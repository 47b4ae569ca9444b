/**
 * A peer stream as Effect's Socket. The reader's scope owns the stream: a suspended pull fails with 1006 when it closes, and the peer gets
 * the close code 1000, or a reset with 1001 (interrupted) or 1011 (failed). Releasing the writer half-closes.
 */
import { concat } from "@topic-tracker/common/Bytes"
import { Cause, Effect, type Exit, Latch, type Scope } from "effect"
import { Socket } from "effect/socket"
import type { PeerError } from "./PeerError.ts"
import type { FramedStream, StreamEnd } from "./streams/FramedStream.ts"

const INTERRUPTED_CODE = 1_001
const FAILED_CODE = 1_011

/** Ends the stream as its owner ended: what was written before a success arrives. */
export const endStream = (stream: FramedStream, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    if (exit._tag === "Success" || isClosed(exit.cause)) {
      if (stream.hasUnsent) stream.reset(INTERRUPTED_CODE)
      else stream.close(1_000)
    } else stream.reset(Cause.hasInterruptsOnly(exit.cause) ? INTERRUPTED_CODE : FAILED_CODE)
  })

/** A reader that loops until the peer closes ends with this error. */
const isClosed = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some(
    (reason) =>
      reason._tag === "Fail" && Socket.isSocketError(reason.error) && reason.error.reason._tag === "SocketCloseError",
  )

const closed = ({ code, reason }: StreamEnd): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code, closeReason: reason }) })

const notOpened = (cause: unknown, kind: "Unknown" | "Timeout" = "Unknown"): Socket.SocketError =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause }) })

const pullOf = (stream: FramedStream): Socket.Reader["pull"] =>
  Effect.callback((resume) => {
    const cancel = stream.read((next) => {
      if ("code" in next) resume(Effect.fail(closed(next)))
      else {
        const [first, ...rest] = next
        if (first !== undefined) resume(Effect.succeed([first, ...rest]))
      }
    })
    return Effect.sync(cancel)
  })

const readerOf = (stream: FramedStream): Socket.Reader => ({
  pull: pullOf(stream),
  upgrade: Socket.SocketUpgradeError.unsupported,
})

const encoder = new TextEncoder()

const bytesOf = (chunk: Uint8Array | string): Uint8Array => (typeof chunk === "string" ? encoder.encode(chunk) : chunk)

const sendTo = (stream: FramedStream, bytes: Uint8Array): Effect.Effect<void, Socket.SocketError> =>
  bytes.length === 0
    ? Effect.void
    : Effect.callback((resume) => {
        const cancel = stream.write(bytes, (isAlive) =>
          resume(
            isAlive
              ? Effect.void
              : Effect.fail(
                  new Socket.SocketError({
                    reason: new Socket.SocketWriteError({ cause: new Error("the stream is closed") }),
                  }),
                ),
          ),
        )
        return Effect.sync(cancel)
      })

const writeTo = (stream: FramedStream, chunk: Uint8Array | string | Socket.CloseEvent) =>
  Socket.isCloseEvent(chunk)
    ? Effect.sync(() => stream.close(chunk.code, chunk.reason, { code: chunk.code, reason: chunk.reason }))
    : sendTo(stream, bytesOf(chunk))

const joined = (chunks: ReadonlyArray<Uint8Array | string>): Uint8Array =>
  chunks.length === 1 ? bytesOf(chunks[0]!) : concat(...chunks.map(bytesOf))

/** The socket of a stream that is open. Its reader can be acquired once. */
export const fromStream = (stream: FramedStream): Socket.Socket => {
  let isTaken = false
  return Socket.make({
    reader: Effect.suspend(() => {
      if (isTaken) return Effect.fail(notOpened(new Error("the reader of this socket was acquired before")))
      isTaken = true
      return Effect.as(
        Effect.addFinalizer((exit) => endStream(stream, exit)),
        readerOf(stream),
      )
    }),
    writer: Effect.acquireRelease(
      Effect.succeed<Socket.Writer>({
        write: (chunk) => writeTo(stream, chunk),
        writeAll: (chunks) => Effect.suspend(() => sendTo(stream, joined(chunks))),
      }),
      () => Effect.sync(() => stream.finish()),
    ),
  })
}

/** A socket that opens a stream at each acquisition of its reader. Writes wait while there is none. */
export const redialling = (open: Effect.Effect<FramedStream, PeerError, Scope.Scope>): Socket.Socket => {
  let current: FramedStream | undefined
  const isOpen = Latch.makeUnsafe(false)
  const reader = Effect.gen(function* () {
    const stream = yield* Effect.mapError(open, (error) =>
      notOpened(error, error.reason === "TimedOut" ? "Timeout" : "Unknown"),
    )
    yield* Effect.addFinalizer((exit) =>
      Effect.suspend(() => {
        if (current === stream) {
          current = undefined
          isOpen.closeUnsafe()
        }
        return endStream(stream, exit)
      }),
    )
    current = stream
    isOpen.openUnsafe()
    return readerOf(stream)
  })
  const withStream = (
    use: (stream: FramedStream) => Effect.Effect<void, Socket.SocketError>,
  ): Effect.Effect<void, Socket.SocketError> =>
    Effect.suspend(() => (current === undefined ? isOpen.whenOpen(withStream(use)) : use(current)))
  return Socket.make({
    reader,
    writer: Effect.acquireRelease(
      Effect.succeed<Socket.Writer>({
        write: (chunk) => withStream((stream) => writeTo(stream, chunk)),
        writeAll: (chunks) => withStream((stream) => sendTo(stream, joined(chunks))),
      }),
      () => Effect.sync(() => current?.finish()),
    ),
  })
}
