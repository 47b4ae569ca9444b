/**
 * A UDP relay between real sockets: a function decides about each packet when it is forwarded, how often, or not at all.
 *
 * Each real socket has a front: a socket of the relay with an address of its own. A packet from A's real address to B's front is
 * forwarded from A's front to B's real address. Sockets that know each other by their fronts only see nothing but fronts, as
 * behind a one-to-one NAT. In a network namespace of its own, the kernel replaces real addresses by fronts, so that sockets
 * need not know of fronts: see `addresses.ts`.
 */
import { createSocket, type Socket } from "node:dgram"
import { Timers } from "@topic-tracker/common"
import { Effect, Schema, Scope } from "effect"

/** An IPv4 address and a UDP port. */
export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** A front could not be bound. */
export class RelayError extends Schema.TaggedError<RelayError>()("RelayError", { message: Schema.String }) {}

/**
 * Decides about a packet from one owner's socket to another's: the delay (ms) of each copy that arrives; none if the packet is
 * lost. The bytes are valid during the call only.
 */
export type PacketPolicy<Owner> = (from: Owner, to: Owner, bytes: Uint8Array) => ReadonlyArray<number>

/** Packets since the relay was created. */
export interface RelayCounters {
  /** Packets that arrived at fronts from sockets of the relay. */
  readonly received: number
  /** Those of them that the policy lost. */
  readonly lost: number
  /** Forwarded packets, copies included. */
  readonly sent: number
  /** Dropped packets from other sockets. */
  readonly strangers: number
  /** Packets that the system refused to send. */
  readonly failed: number
}

interface Port<Owner> {
  readonly owner: Owner
  readonly real: SocketAddress
  readonly front: Socket
}

/** Bytes that may wait at a front while the event loop is busy. The system may allow less. */
const RECEIVE_BUFFER_BYTES = 1 << 20

export class Relay<Owner> {
  readonly #policy: PacketPolicy<Owner>
  readonly #timers: Timers
  readonly #scope: Scope.Scope
  readonly #ports = new Map<string, Port<Owner>>()
  readonly #counts = { received: 0, lost: 0, sent: 0, strangers: 0, failed: 0 }

  private constructor(policy: PacketPolicy<Owner>, timers: Timers, scope: Scope.Scope) {
    this.#policy = policy
    this.#timers = timers
    this.#scope = scope
  }

  /** A relay without fronts. When the scope closes, fronts are closed and packets under way are lost. */
  static readonly make = <Owner>(policy: PacketPolicy<Owner>): Effect.Effect<Relay<Owner>, never, Scope.Scope> =>
    Effect.gen(function* () {
      return new Relay(policy, yield* Timers.make, yield* Effect.scope)
    })

  /** Adds a front for the socket at `real`; port 0 takes any free port. Returns the front's address. */
  attachFront(owner: Owner, real: SocketAddress, front: SocketAddress): Effect.Effect<SocketAddress, RelayError> {
    const bound = Effect.callback<Socket, RelayError>((resume) => {
      const socket = createSocket({
        type: "udp4",
        recvBufferSize: RECEIVE_BUFFER_BYTES,
        // Hosts are addresses, never names.
        lookup: (host, _options, callback) => callback(null, host, 4),
      })
      socket.once("error", (error: NodeJS.ErrnoException) => {
        socket.close()
        const message = `no front at ${front.host}:${front.port} for ${nameOf(real)}: ${error.code ?? error.message}`
        resume(Effect.fail(new RelayError({ message })))
      })
      socket.bind(front.port, front.host, () => {
        socket.removeAllListeners("error")
        // For example an address at which no socket listens any more.
        socket.on("error", () => this.#counts.failed++)
        resume(Effect.succeed(socket))
      })
    })
    const name = nameOf(real)
    const acquired = Effect.acquireRelease(bound, (socket) =>
      Effect.callback<void>((resume) => {
        this.#ports.delete(name)
        socket.close(() => resume(Effect.void))
      }),
    )
    return Effect.map(Effect.provideService(acquired, Scope.Scope, this.#scope), (socket) => {
      const port: Port<Owner> = { owner, real, front: socket }
      this.#ports.set(name, port)
      socket.on("message", (bytes, { address: host, port: from }) => this.#receive(bytes, `${host}:${from}`, port))
      return { host: front.host, port: socket.address().port }
    })
  }

  get counters(): RelayCounters {
    return { ...this.#counts }
  }

  #receive(bytes: Uint8Array, from: string, to: Port<Owner>): void {
    const sender = this.#ports.get(from)
    if (sender === undefined) {
      this.#counts.strangers++
      return
    }
    this.#counts.received++
    const delays = this.#policy(sender.owner, to.owner, bytes)
    if (delays.length === 0) this.#counts.lost++
    for (const delayMs of delays) {
      if (delayMs <= 0) this.#send(bytes, sender, to)
      else this.#timers.schedule(delayMs, () => this.#send(bytes, sender, to))
    }
  }

  #send(bytes: Uint8Array, from: Port<Owner>, to: Port<Owner>): void {
    // A front may have been closed while the packet was under way.
    if (this.#ports.get(nameOf(from.real)) !== from || this.#ports.get(nameOf(to.real)) !== to) return
    this.#counts.sent++
    from.front.send(bytes, to.real.port, to.real.host, (error) => {
      if (error !== null) this.#counts.failed++
    })
  }
}

const nameOf = ({ host, port }: SocketAddress): string => `${host}:${port}`
