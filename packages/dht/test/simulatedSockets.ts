/** UDP sockets on a network of data, without an operating system. Time is Effect's Clock. */
import { Timers } from "@topic-tracker/common"
import { type DhtAddress, type UdpSocket, UdpSockets } from "@topic-tracker/dht"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"

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

/** Runs the effect and returns its result and the time that it took on the TestClock, in ms. */
export const timed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  let ms = 0
  for (; ms < 60_000 && fiber.pollUnsafe() === undefined; ms++) yield* TestClock.adjust(1)
  return { value: yield* Fiber.join(fiber), ms }
})
