/** Binding a UDP socket, and saying what is wrong when it cannot be. */
import { createSocket, type Socket } from "node:dgram"
import { Effect } from "effect"
import type { DhtAddress } from "../Dht.ts"
import { DhtError } from "../DhtError.ts"

/** Bytes of answers that may wait while the event loop is busy; the system may allow less. */
const receiveBuffer = 1 << 20

/** A socket bound to an IPv4 address; port 0 means any free one. Fails with `Bind`, which names the port. */
export const bindSocket = (address: DhtAddress): Effect.Effect<Socket, DhtError> =>
  Effect.callback((resume) => {
    const socket = createSocket({
      type: "udp4",
      recvBufferSize: receiveBuffer,
      // Hosts are addresses here, never names: this spares dgram's own look-up and its extra turn of the event loop.
      lookup: (host, _options, callback) => callback(null, host, 4),
    })
    const onError = (error: NodeJS.ErrnoException) => {
      socket.close()
      resume(Effect.fail(bindError(error, address)))
    }
    socket.once("error", onError)
    socket.bind(address.port, address.host, () => {
      socket.off("error", onError)
      resume(Effect.succeed(socket))
    })
  })

const bindError = (error: NodeJS.ErrnoException, { host, port }: DhtAddress): DhtError => {
  const why =
    error.code === "EADDRINUSE"
      ? `UDP port ${port} is in use on ${host}; choose another, or 0 for any free one`
      : error.code === "EACCES"
        ? `UDP port ${port} on ${host} may not be used by this user; choose one from 1024 up, or 0 for any free one`
        : error.code === "EADDRNOTAVAIL"
          ? `UDP port ${port}: ${host} is no address of this machine`
          : `UDP port ${port} on ${host}: ${error.code ?? error.message}`
  return new DhtError({ reason: "Bind", message: why })
}
