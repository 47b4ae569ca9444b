/**
 * A connection of iroh's binding as the transport's {@link Connection}. A call into the binding costs tens of microseconds and changes
 * threads, so reads are big where much arrives. It knows no topics and no messages.
 */
import type * as Iroh from "@number0/iroh"
import type { EndpointId } from "@topic-tracker/crypto"
import type { BiStream, Connection, ReceiveStream, SendStream, StreamLimits } from "../Transport.ts"
import type { PeerPath } from "../TransportStats.ts"
import type { BindingBytesCodec } from "./bindingBytes.ts"
import type { MonitoredConnection } from "./IdleMonitor.ts"
import type { MeasuredConnection } from "./ReceiveBudget.ts"

/**
 * The sizes of reads in bytes. The binding allocates as much before it waits for data, so a stream begins with little, and gets more
 * while its reads come back full. The first read has room for the header of a stream and a request to be let in.
 */
const FIRST_READ_BYTES = 512
const MIN_READ_BYTES = 4_096
const MAX_READ_BYTES = 65_536

/** `close` waits at most this long for the acknowledgement of finished streams. */
const CLOSE_TIMEOUT_MS = 1_000

/**
 * Limits before {@link IrohConnection.limitStreams}. They count when the peer needs leave to open more: QUIC's handshake has already
 * allowed 100 streams of each kind, with 1.25 MB of unread bytes each, and the binding has no setting for that. So the unread bytes of
 * a connection are measured, and a peer that exceeds its limit is disconnected.
 */
const FIRST_LIMITS: Required<StreamLimits> = { uni: 64, bi: 0, unreadBytes: 1_500_000 }

/** The limits of a connection that was just made. */
const QUIC_LIMITS: Required<StreamLimits> = { uni: 100, bi: 100, unreadBytes: FIRST_LIMITS.unreadBytes }

const ignore = (): void => {}

export class IrohConnection implements Connection, MonitoredConnection, MeasuredConnection {
  readonly remoteId: EndpointId.EndpointId
  readonly alpn: string
  readonly remoteNetwork: string | undefined
  /** Streams of the peer that are open and were accepted. */
  openStreams = 0
  bytesRead = 0
  private limits = QUIC_LIMITS
  /** Undefined once the connection is gone, so that an object that keeps this one does not keep the native one. */
  private connection: Iroh.Connection | undefined
  private readonly codec: BindingBytesCodec
  private readonly unacknowledged = new Set<Promise<void>>()
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>
  private listener: ((reason: string) => void) | undefined
  private reason: string | undefined
  private closing = false

  /**
   * `gone` runs when the connection is gone. Until then the owner must hold this object: the binding closes a connection whose object
   * is garbage-collected.
   */
  constructor(
    connection: Iroh.Connection,
    codec: BindingBytesCodec,
    gone: (connection: IrohConnection) => void,
    remoteNetwork?: string,
  ) {
    this.connection = connection
    this.remoteNetwork = remoteNetwork
    this.codec = codec
    this.remoteId = connection.remoteId().toString() as EndpointId.EndpointId
    this.alpn = new TextDecoder().decode(codec.fromBinding(connection.alpn()))
    this.limitStreams(FIRST_LIMITS)
    const ended = (reason: string): void => {
      this.reason = reason
      this.connection = undefined
      gone(this)
      this.listener?.(reason)
    }
    this.closed = connection.closed().then(ended, (error) => ended(String(error)))
  }

  /** The path that the connection uses now. Undefined if it is gone, or has none yet. The binding may have selected none of one: that one is used. */
  get path(): PeerPath | undefined {
    const paths = this.connection?.paths() ?? []
    const path = paths.find(({ isSelected }) => isSelected) ?? (paths.length === 1 ? paths[0] : undefined)
    if (path === undefined) return undefined
    return { peer: this.remoteId, isRelayed: path.isRelay, remoteAddress: path.remoteAddr, rttMs: path.rttMs }
  }

  openStream(done: (stream: SendStream | undefined) => void): void {
    if (this.connection === undefined) queueMicrotask(() => done(undefined))
    else {
      this.connection.openUni().then(
        (stream) => done(this.sendStream(stream)),
        () => done(undefined),
      )
    }
  }

  acceptStream(done: (stream: ReceiveStream | undefined) => void): void {
    if (this.connection === undefined) queueMicrotask(() => done(undefined))
    else {
      this.connection.acceptUni().then(
        (stream) => done(this.receiveStream(stream)),
        () => done(undefined),
      )
    }
  }

  openBi(done: (stream: BiStream | undefined) => void): void {
    this.takeBi(this.connection?.openBi(), done)
  }

  acceptBi(done: (stream: BiStream | undefined) => void): void {
    this.takeBi(this.connection?.acceptBi(), done)
  }

  private takeBi(opening: Promise<Iroh.BiStream> | undefined, done: (stream: BiStream | undefined) => void): void {
    if (opening === undefined) queueMicrotask(() => done(undefined))
    else {
      opening.then(
        ({ recv, send }) => done({ send: this.sendStream(send), receive: this.receiveStream(recv) }),
        () => done(undefined),
      )
    }
  }

  get unreadLimit(): number {
    return this.limits.unreadBytes
  }

  limitStreams(limits: StreamLimits): void {
    const { bi, uni } = this.limits
    this.limits = { ...this.limits, ...limits }
    // A call for each that changes: it may wait for the thread that has the connection.
    try {
      if (this.limits.uni !== uni) this.connection?.setMaxConcurrentUniStreams(BigInt(this.limits.uni))
      if (this.limits.bi !== bi) this.connection?.setMaxConcurrentBiStreams(BigInt(this.limits.bi))
    } catch {
      // The connection has closed meanwhile; `closed` reports it.
    }
  }

  onClosed(listener: (reason: string) => void): void {
    this.listener = listener
    const { reason } = this
    if (reason !== undefined) queueMicrotask(() => listener(reason))
  }

  close(): void {
    if (this.closing) return
    this.closing = true
    const close = (): void => {
      clearTimeout(timeout)
      this.giveUp()
    }
    // Wall-clock time, whatever Clock is installed: this is about a real network.
    const timeout = setTimeout(close, CLOSE_TIMEOUT_MS)
    Promise.all(this.unacknowledged).then(close, close)
  }

  stats(): Iroh.ConnectionStats | undefined {
    try {
      return this.connection?.stats()
    } catch {
      return undefined
    }
  }

  giveUp(): void {
    this.connection?.close(0n, [])
  }

  private sendStream(stream: Iroh.SendStream): SendStream {
    let lastWrite: Promise<void> | undefined
    return {
      write: (bytes, done, head) => {
        lastWrite = stream.writeAll(this.codec.toBinding(bytes, head))
        lastWrite.then(
          () => done(true),
          () => done(false),
        )
      },
      finish: () => {
        // The binding may run `finish` before a write that was called first, which loses the bytes.
        const finished = lastWrite === undefined ? stream.finish() : lastWrite.then(() => stream.finish())
        const acknowledged: Promise<void> = finished
          .then(() => stream.stopped())
          .then(ignore, ignore)
          .then(() => {
            this.unacknowledged.delete(acknowledged)
          })
        this.unacknowledged.add(acknowledged)
      },
      reset: (code) => {
        stream.reset(BigInt(code)).catch(ignore)
      },
      onStopped: (listener) => {
        stream.stopped().then((code) => {
          if (code !== null) listener(code)
        }, ignore)
      },
    }
  }

  private receiveStream(stream: Iroh.RecvStream): ReceiveStream {
    this.openStreams++
    let isOpen = true
    let size = FIRST_READ_BYTES
    const ended = (): void => {
      if (isOpen) this.openStreams--
      isOpen = false
    }
    return {
      // No read ahead: a message on its way to the subscriber would wait for that call into the binding.
      read: (done, maxBytes = size) => {
        stream.read(Math.min(size, maxBytes)).then(
          (bytes) => {
            const { length } = bytes
            if (length === 0) {
              ended()
              done(undefined)
              return
            }
            this.bytesRead += length
            size = this.nextReadSize(size, length)
            done(this.codec.fromBinding(bytes))
          },
          () => {
            ended()
            // The read fails also if the connection is gone; then this one fails too.
            stream.receivedReset().then(
              (code) => done(undefined, code ?? undefined),
              () => done(undefined),
            )
          },
        )
      },
      stop: (code = 0) => {
        ended()
        stream.stop(BigInt(code)).catch(ignore)
      },
    }
  }

  /** Twice as much after a full read, half as much after one that was a quarter full or less. Little for a peer that shares no topic. */
  private nextReadSize(size: number, length: number): number {
    if (size < MIN_READ_BYTES || this.limits.unreadBytes <= FIRST_LIMITS.unreadBytes) return MIN_READ_BYTES
    if (length === size) return Math.min(2 * size, MAX_READ_BYTES)
    return length * 4 <= size ? Math.max(size / 2, MIN_READ_BYTES) : size
  }
}
