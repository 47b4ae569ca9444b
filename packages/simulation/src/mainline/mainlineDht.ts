/**
 * The DHT of a scenario with `model = "mainline"`: the production client of each node, on a socket that leads into a
 * {@link MainlineNetwork}. Above the socket nothing differs from a program on the internet.
 */
import { Timers } from "@topic-tracker/common"
import { type BindUdpSocket, Dht, UdpSockets } from "@topic-tracker/dht"
import { Effect, Layer, Random } from "effect"
import type { DhtModel } from "../environment/DhtModel.ts"
import { floodSlot } from "../environment/floodSlot.ts"
import type { MainlineSettings } from "../scenario/DhtSettings.ts"
import { bootstrapNodes, MainlineNetwork } from "./MainlineNetwork.ts"

/** Clients have the hosts 99.0.0.1 and on. */
const FIRST_CLIENT = 0x63000001

/** A network whose packets travel as long as the scope is open. */
export const makeMainline = Effect.fnUntraced(function* (settings: MainlineSettings) {
  const timers = yield* Timers.make
  const random = yield* Random.Random
  const salt = yield* Random.nextIntBetween(0, 2 ** 31)
  return new MainlineNetwork(settings, { timers, random: () => random.nextDoubleUnsafe(), salt })
})

/** Binds a socket of the client with this number; its public address is another one than the bound one, as behind a NAT. */
const bindTo =
  (network: MainlineNetwork, number: number, reaches: (node: number) => boolean): BindUdpSocket =>
  ({ host, port }) =>
    Effect.sync(() => {
      const bound = { host, port: port > 0 ? port : 6881 }
      const ip = FIRST_CLIENT + number
      const publicHost = [24, 16, 8, 0].map((shift) => (ip >>> shift) & 0xff).join(".")
      let receiver: Parameters<MainlineSocket["receive"]>[0] = () => {}
      let isOpen = true
      const client = {
        address: { host: publicHost, port: bound.port },
        reaches,
        receive: (...packet: Parameters<typeof receiver>) => {
          if (isOpen) receiver(...packet)
        },
      }
      const socket: MainlineSocket = {
        address: bound,
        send: (datagram, to) => network.send(datagram, to, client),
        receive: (next) => {
          receiver = next
        },
        // Nothing waits in a buffer here.
        afterArrived: (run) => run(),
        close: Effect.sync(() => {
          isOpen = false
        }),
      }
      return socket
    })

type MainlineSocket = Effect.Success<ReturnType<BindUdpSocket>>

/** The production client with this number. As in a topic tracker, the client itself does not retry. */
export const mainlineClient = (
  network: MainlineNetwork,
  number: number,
  reaches: (node: number) => boolean = () => true,
) =>
  Layer.fresh(Dht.layer({ bootstrap: bootstrapNodes, retries: 0 })).pipe(
    Layer.provide(Layer.succeed(UdpSockets, { bind: bindTo(network, number, reaches) })),
    Layer.orDie,
  )

export const mainlineDht = Effect.fnUntraced(function* (settings: MainlineSettings) {
  const network = yield* makeMainline(settings)
  let clients = 0
  const model: DhtModel = {
    client: (reaches) => Layer.suspend(() => mainlineClient(network, clients++, reaches)),
    flood: (topicName, hostile) =>
      Effect.gen(function* () {
        const client = yield* Dht
        return yield* floodSlot({
          put: client.put,
          inject: ({ nodes = 20, publicKey, salt, seq, signature = new Uint8Array(64), value }) =>
            Effect.sync(() => network.inject({ k: publicKey, salt, seq, sig: signature, v: value }, nodes)),
          topicName,
          settings: hostile,
        })
      }).pipe(Effect.provide(model.client(() => true))),
    load: Effect.sync(() => network.load),
    nearestHolding: (target) => network.nearestHolding(target),
  }
  return model
})
