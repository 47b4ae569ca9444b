/** A UDP socket of its own for the questions of the command `doctor`. */
import { createSocket, type Socket } from "node:dgram"
import { Effect } from "effect"

export type BindResult =
  | { readonly _tag: "Bound"; readonly socket: Socket }
  | { readonly _tag: "Failed"; readonly code: string }

/** Binds an IPv4 socket until the scope closes. */
export const bindUdp = (address: string, port = 0) =>
  Effect.acquireRelease(
    Effect.callback<BindResult>((resume) => {
      const socket = createSocket("udp4")
      socket.once("error", (error: NodeJS.ErrnoException) =>
        resume(Effect.succeed({ _tag: "Failed", code: error.code ?? error.message })),
      )
      socket.bind({ address, port, exclusive: true }, () => {
        // A host that is out of reach is no reason to stop.
        socket.removeAllListeners("error").on("error", () => {})
        resume(Effect.succeed({ _tag: "Bound", socket }))
      })
    }),
    (result) =>
      Effect.sync(() => {
        if (result._tag === "Bound") result.socket.close()
      }),
  )

/** Sends a datagram. An error, such as a network that is out of reach, is silence. */
export const sendUdp = (socket: Socket, bytes: Uint8Array, host: string, port: number): void => {
  socket.send(bytes, port, host, () => {})
}
