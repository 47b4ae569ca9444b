/**
 * The UDP socket under KRPC as a small interface, and its implementation on Node.js. A test or a simulation provides another
 * {@link BindUdpSocket} and needs no network. This file does not know what the datagrams contain.
 */
import { createSocket, type Socket } from "node:dgram"
import { Context, Effect } from "effect"
import { DhtError } from "../DhtError.ts"
import type { DhtAddress } from "../model.ts"

/**
 * A bound socket. Hosts are IPv4 addresses, never names.
 * @since 0.1.0
 * @category models
 */
export interface UdpSocket {
  /** The bound address; it stays readable after {@link close}. */
  readonly address: DhtAddress
  /** Sends one datagram. `onFailure` runs later if the system refuses to send it. */
  readonly send: (datagram: Uint8Array, to: DhtAddress, onFailure: () => void) => void
  /** Sets the receiver. Datagrams that arrive before are dropped. Call it once. */
  readonly receive: (receiver: (datagram: Uint8Array, from: DhtAddress) => void) => void
  /**
   * Runs `run` later, when the datagrams that have arrived by now were given to the receiver. After a stall of the event loop
   * they wait in the system's buffer, and a judgement about time-outs must not come before them.
   */
  readonly afterArrived: (run: () => void) => void
  /** Completes when the port is free again. */
  readonly close: Effect.Effect<void>
}

/**
 * Binds a socket to an IPv4 address; port 0 means any free port. Fails with `Bind`.
 * @since 0.1.0
 * @category models
 */
export type BindUdpSocket = (address: DhtAddress) => Effect.Effect<UdpSocket, DhtError>

/** Bytes of answers that may wait while the event loop is busy; the system may allow less. */
const RECEIVE_BUFFER_BYTES = 1 << 20

/** Node.js reads at most 32 datagrams in a turn of the event loop. The number of turns to wait as long as each brings some. */
const MAX_READING_TURNS = 32

const bindNodeSocket: BindUdpSocket = (address) =>
  Effect.callback((resume) => {
    const socket = createSocket({
      type: "udp4",
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Hosts are addresses here: this avoids dgram's own name lookup and its extra turn of the event loop.
      lookup: (host, _options, callback) => callback(null, host, 4),
    })
    const onError = (error: NodeJS.ErrnoException) => {
      socket.close()
      resume(Effect.fail(bindError(error, address)))
    }
    socket.once("error", onError)
    socket.bind(address.port, address.host, () => {
      socket.off("error", onError)
      resume(Effect.sync(() => new NodeSocket(socket)))
    })
  })

/**
 * The function with which a client binds its socket. Default: Node.js' UDP sockets. Provide another one to put a client on a
 * simulated network.
 * @since 0.1.0
 * @category services
 */
export const UdpSockets = Context.Reference<{ readonly bind: BindUdpSocket }>("@topic-tracker/dht/UdpSockets", {
  defaultValue: () => ({ bind: bindNodeSocket }),
})

class NodeSocket implements UdpSocket {
  readonly address: DhtAddress
  readonly #socket: Socket
  #arrived = 0

  constructor(socket: Socket) {
    this.#socket = socket
    const { address: host, port } = socket.address()
    this.address = { host, port }
    // Failures to send are reported to each send's own callback.
    socket.on("error", () => {})
  }

  send(datagram: Uint8Array, to: DhtAddress, onFailure: () => void): void {
    this.#socket.send(datagram, to.port, to.host, (error) => {
      if (error !== null) onFailure()
    })
  }

  receive(receiver: (datagram: Uint8Array, from: DhtAddress) => void): void {
    this.#socket.on("message", (datagram, { address: host, port }) => {
      this.#arrived++
      // A plain view: a slice of a Buffer shares memory, which callers that keep a value do not expect.
      receiver(new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length), { host, port })
    })
  }

  afterArrived(run: () => void): void {
    this.#readTurn(MAX_READING_TURNS, run)
  }

  #readTurn(turns: number, run: () => void): void {
    const arrived = this.#arrived
    setImmediate(() => {
      if (this.#arrived > arrived && turns > 1) this.#readTurn(turns - 1, run)
      else run()
    })
  }

  readonly close = Effect.callback<void>((resume) => {
    this.#socket.close(() => resume(Effect.void))
  })
}

const bindError = (error: NodeJS.ErrnoException, { host, port }: DhtAddress): DhtError => {
  const why =
    error.code === "EADDRINUSE"
      ? `UDP port ${port} is in use on ${host}; choose another, or 0 for any free one`
      : error.code === "EACCES"
        ? `UDP port ${port} on ${host} is not allowed for this user; choose one from 1024 up, or 0 for any free one`
        : error.code === "EADDRNOTAVAIL"
          ? `UDP port ${port}: ${host} is not an address of this machine`
          : `UDP port ${port} on ${host}: ${error.code ?? error.message}`
  return new DhtError({ reason: "Bind", message: why })
}
