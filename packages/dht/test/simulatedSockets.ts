/** UDP sockets on a network of data, without an operating system. Time is Effect's Clock. */
import { Timers } from "@topic-tracker/common"
import { type DhtAddress, type UdpSocket, UdpSockets } from "@topic-tracker/dht"
import { Effect, Layer } from "effect"

/**
 * Every datagram arrives after `delay` ms; a datagram to an address without a socket is lost. A socket that is bound to all
 * addresses has the host `anyHost`.
 */
export const simulatedSockets = (delay: number, anyHost = "0.0.0.0") =>
  Layer.effect(
    UdpSockets,
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const receivers = new Map<string, (datagram: Uint8Array, from: DhtAddress) => void>()
      const keyOf = ({ host, port }: DhtAddress) => `${host}:${port}`
      const bind = ({ host, port }: DhtAddress) =>
        Effect.sync((): UdpSocket => {
          const bound = { host, port: port > 0 ? port : 1024 + receivers.size }
          const address = host === "0.0.0.0" ? { ...bound, host: anyHost } : bound
          receivers.set(keyOf(address), () => {})
          return {
            address: bound,
            send: (datagram, to) =>
              void timers.schedule(delay, () => receivers.get(keyOf(to))?.(datagram.slice(), address)),
            receive: (receiver) => void receivers.set(keyOf(address), receiver),
            afterArrived: (run) => run(),
            close: Effect.sync(() => void receivers.delete(keyOf(address))),
          }
        })
      return { bind }
    }),
  )
