/**
 * A UDP relay under control: what real sockets send to each other passes through it, and a function decides of each packet
 * when it goes on, if at all, and how often.
 *
 * Each real socket has a front: a socket of the relay that stands for it. What arrives at B's front from A's real address goes
 * on, from A's front, to B's real address. A socket that knows others by their fronts only sees nothing but fronts, as behind
 * a NAT that maps one to one. (In a network namespace of its own the kernel can put fronts in the place of real addresses
 * without anybody's knowing: see `namespace.ts`.)
 */
import { createSocket, type Socket } from "node:dgram"
import { Timers } from "@topic-tracker/common"
import { Effect, Schema, Scope } from "effect"

/** An IPv4 address and a UDP port. */
export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** A front cannot be bound. */
export class RelayError extends Schema.TaggedError<RelayError>()("RelayError", { message: Schema.String }) {}

/**
 * What becomes of a packet from one owner's socket to another's: the delay in ms of each copy that arrives. None: it is lost.
 * The bytes are only lent.
 */
export type Judge<Owner> = (from: Owner, to: Owner, bytes: Uint8Array) => ReadonlyArray<number>

/** Packets since the relay was made. */
export interface RelayCounters {
  /** What arrived at fronts, from sockets that the relay knows. */
  readonly received: number
  /** Those of them that the judge let go nowhere. */
  readonly lost: number
  /** What was sent on, copies too. */
  readonly sent: number
  /** What arrived from elsewhere, and went nowhere. */
  readonly strangers: number
  /** What the system did not take. */
  readonly failed: number
}

interface Port<Owner> {
  readonly owner: Owner
  readonly real: SocketAddress
  readonly front: Socket
}

/** Bytes that may wait at a front while the event loop is busy; the system may allow less. */
const receiveBuffer = 1 << 20

export class Relay<Owner> {
  private readonly judge: Judge<Owner>
  private readonly timers: Timers
  private readonly scope: Scope.Scope
  private readonly ports = new Map<string, Port<Owner>>()
  private readonly counts = { received: 0, lost: 0, sent: 0, strangers: 0, failed: 0 }

  private constructor(judge: Judge<Owner>, timers: Timers, scope: Scope.Scope) {
    this.judge = judge
    this.timers = timers
    this.scope = scope
  }

  /** A relay without fronts. With the scope they are closed, and what is under way is lost. */
  static readonly make = <Owner>(judge: Judge<Owner>): Effect.Effect<Relay<Owner>, never, Scope.Scope> =>
    Effect.gen(function* () {
      return new Relay(judge, yield* Timers.make, yield* Effect.scope)
    })

  /** Stands in front of the socket from now on. `front` is where; port 0 for any. Returns where that is. */
  attach(owner: Owner, real: SocketAddress, front: SocketAddress): Effect.Effect<SocketAddress, RelayError> {
    const bound = Effect.callback<Socket, RelayError>((resume) => {
      const socket = createSocket({
        type: "udp4",
        recvBufferSize: receiveBuffer,
        // Hosts are addresses here, never names.
        lookup: (host, _options, callback) => callback(null, host, 4),
      })
      socket.once("error", (error: NodeJS.ErrnoException) => {
        socket.close()
        const message = `no front at ${front.host}:${front.port} for ${nameOf(real)}: ${error.code ?? error.message}`
        resume(Effect.fail(new RelayError({ message })))
      })
      socket.bind(front.port, front.host, () => {
        socket.removeAllListeners("error")
        // An address that nobody listens at any more is no concern of the relay's.
        socket.on("error", () => this.counts.failed++)
        resume(Effect.succeed(socket))
      })
    })
    const name = nameOf(real)
    const acquired = Effect.acquireRelease(bound, (socket) =>
      Effect.callback<void>((resume) => {
        this.ports.delete(name)
        socket.close(() => resume(Effect.void))
      }),
    )
    return Effect.map(Effect.provideService(acquired, Scope.Scope, this.scope), (socket) => {
      const port: Port<Owner> = { owner, real, front: socket }
      this.ports.set(name, port)
      socket.on("message", (bytes, { address: host, port: from }) => this.receive(bytes, `${host}:${from}`, port))
      return { host: front.host, port: socket.address().port }
    })
  }

  get counters(): RelayCounters {
    return { ...this.counts }
  }

  private receive(bytes: Uint8Array, from: string, to: Port<Owner>): void {
    const sender = this.ports.get(from)
    if (sender === undefined) {
      this.counts.strangers++
      return
    }
    this.counts.received++
    const delays = this.judge(sender.owner, to.owner, bytes)
    if (delays.length === 0) this.counts.lost++
    for (const delayMs of delays) {
      if (delayMs <= 0) this.send(bytes, sender, to)
      else this.timers.schedule(delayMs, () => this.send(bytes, sender, to))
    }
  }

  private send(bytes: Uint8Array, from: Port<Owner>, to: Port<Owner>): void {
    // Either may have been detached while the packet was under way.
    if (this.ports.get(nameOf(from.real)) !== from || this.ports.get(nameOf(to.real)) !== to) return
    this.counts.sent++
    from.front.send(bytes, to.real.port, to.real.host, (error) => {
      if (error !== null) this.counts.failed++
    })
  }
}

const nameOf = ({ host, port }: SocketAddress): string => `${host}:${port}`
