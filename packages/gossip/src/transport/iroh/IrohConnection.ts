/**
 * A connection of iroh's binding as the transport's {@link Connection}. A call into the binding costs tens of microseconds and changes
 * threads, so reads are big. It knows no topics and no messages.
 */
import type * as Iroh from "@number0/iroh"
import type { EndpointId } from "@topic-tracker/crypto"
import type { Connection, ReceiveStream, SendStream } from "../Transport.ts"
import type { BindingBytesCodec } from "./endpoint.ts"
import type { MonitoredConnection } from "./IdleMonitor.ts"

/** The maximum number of bytes of one read. */
const READ_BYTES = 65_536

/** `close` waits at most this long for the acknowledgement of finished streams. */
const CLOSE_TIMEOUT_MS = 1_000

/** Streams that the peer may have open to us at a time. There is one for each topic that we share, so QUIC's usual 100 is too few. */
const MAX_INCOMING_STREAMS = 4_096n

const ignore = (): void => {}

export class IrohConnection implements Connection, MonitoredConnection {
  readonly remoteId: EndpointId.EndpointId
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
  constructor(connection: Iroh.Connection, codec: BindingBytesCodec, gone: (connection: IrohConnection) => void) {
    this.connection = connection
    this.codec = codec
    this.remoteId = connection.remoteId().toString() as EndpointId.EndpointId
    try {
      connection.setMaxConcurrentUniStreams(MAX_INCOMING_STREAMS)
    } catch {
      // The connection has closed meanwhile; `closed` reports it.
    }
    const ended = (reason: string): void => {
      this.reason = reason
      this.connection = undefined
      gone(this)
      this.listener?.(reason)
    }
    this.closed = connection.closed().then(ended, (error) => ended(String(error)))
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

  received(): number | undefined {
    try {
      return this.connection?.stats().udpRxDatagrams
    } catch {
      return undefined
    }
  }

  giveUp(): void {
    this.connection?.close(0n, [])
  }

  private sendStream(stream: Iroh.SendStream): SendStream {
    return {
      write: (bytes, done) => {
        stream.writeAll(this.codec.toBinding(bytes)).then(
          () => done(true),
          () => done(false),
        )
      },
      finish: () => {
        const acknowledged: Promise<void> = stream
          .finish()
          .then(() => stream.stopped())
          .then(ignore, ignore)
          .then(() => {
            this.unacknowledged.delete(acknowledged)
          })
        this.unacknowledged.add(acknowledged)
      },
    }
  }

  private receiveStream(stream: Iroh.RecvStream): ReceiveStream {
    return {
      // No read ahead: a message on its way to the subscriber would wait for that call into the binding.
      read: (done) => {
        stream.read(READ_BYTES).then(
          (bytes) => done(bytes.length === 0 ? undefined : this.codec.fromBinding(bytes)),
          () => done(undefined),
        )
      },
      stop: () => {
        stream.stop(0n).catch(ignore)
      },
    }
  }
}
