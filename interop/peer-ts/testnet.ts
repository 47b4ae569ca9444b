/**
 * `testnet`: our DHT nodes. Each serves other nodes, like every node of a topic. Some of them may be nodes without BEP 44, as many of the
 * public DHT are.
 */
import { randomBytes } from "node:crypto"
import { Crypto } from "@topic-tracker/crypto"
import { type BindUdpSocket, Dht, type DhtAddress, UdpSockets } from "@topic-tracker/dht"
import { encodeBencode, parseDatagram } from "@topic-tracker/dht/testing"
import { Duration, Effect, Layer, Schedule, Stream } from "effect"
import { type Args, bootstrapOf } from "./args.ts"
import { emit, untilQuit } from "./stdio.ts"

/** The nodes that each node must know before the tests begin, or all others if there are fewer. */
const KNOWN = 20

/** The error code of BEP 5 for a method that a node does not know. */
const METHOD_UNKNOWN = 204

type WithoutItems = "error" | "silence"

/** A socket of a node that does not know get and put. */
const bindWithoutItems =
  (bind: BindUdpSocket, how: WithoutItems): BindUdpSocket =>
  (address) =>
    Effect.map(bind(address), (socket) => ({
      address: socket.address,
      send: (...packet) => socket.send(...packet),
      afterArrived: (run) => socket.afterArrived(run),
      close: socket.close,
      receive: (receiver) =>
        socket.receive((datagram, from) => {
          const message = parseDatagram(datagram)
          if (message?.y !== "q" || (message.q !== "get" && message.q !== "put")) return receiver(datagram, from)
          if (how === "silence") return
          const error = encodeBencode({ e: [METHOD_UNKNOWN, "Method Unknown"], t: message.t, y: "e" })
          socket.send(error, from, () => {})
        }),
    }))

/**
 * `--nodes N` nodes on `--bind IP` (default 127.0.0.1), the first on `--port P` (default 6881). With `--bootstrap` they join
 * an existing DHT on free ports. `--equal-seq overwrite|keep-first` is their reaction to a put with the seq that they hold.
 * `--without-items error|silence`: every second node does not know get and put, and answers with error 204 or not at all.
 */
export const testnet = (args: Args) =>
  Effect.gen(function* () {
    const host = args.optional("bind") ?? "127.0.0.1"
    const equalSeq = args.optional("equal-seq") === "keep-first" ? "keep-first" : "overwrite"
    const withoutItems = args.optional("without-items")
    if (withoutItems !== undefined && withoutItems !== "error" && withoutItems !== "silence")
      throw new Error(`--without-items ${withoutItems}: error or silence`)
    const joined = bootstrapOf(args)
    const { bind } = yield* UdpSockets
    const nodes: Array<DhtAddress> = []
    const clients: Array<Dht["Service"]> = []
    const count = args.number("nodes") ?? 20
    for (let number = 0; number < count; number++) {
      const isFirst = joined.length === 0 && number === 0
      const sockets =
        withoutItems !== undefined && number % 2 === 1
          ? Layer.succeed(UdpSockets, { bind: bindWithoutItems(bind, withoutItems) })
          : Layer.empty
      const context = yield* Layer.build(
        Dht.layer({
          bootstrap: isFirst ? [] : joined.length > 0 ? joined : nodes.slice(0, 1),
          host,
          port: isFirst ? (args.number("port") ?? 6881) : 0,
          equalSeq,
          // Nodes know each other at once, and not only after some seconds.
          introduceAfter: Duration.millis(1),
          // All queries come from the few hosts of a test.
          queriesPerHost: 100_000,
          queriesTotal: 100_000,
          replyBytesPerHost: 100_000_000,
          replyBytesTotal: 100_000_000,
        }).pipe(Layer.provide(Layer.mergeAll(Crypto.layer(), sockets))),
      )
      yield* Effect.gen(function* () {
        const dht = yield* Dht
        if (!isFirst) yield* dht.bootstrapped
        clients.push(dht)
        nodes.push({ host, port: (yield* dht.address).port })
      }).pipe(Effect.provideContext(context))
    }
    // A put must reach all nodes that a later put reaches, and a node without get and put names no others to a get.
    const enough = Math.min(KNOWN, count - 1)
    // A node that others were not told of at its start looks for random keys: the nodes it asks learn of it, and name others.
    const lookAround = Effect.fnUntraced(function* ({ get, stats }: Dht["Service"]) {
      if ((yield* stats).nodes >= enough) return true
      const publicKey = new Uint8Array(randomBytes(32))
      yield* Stream.runDrain(get({ publicKey })).pipe(Effect.timeoutOption("2 seconds"), Effect.ignore)
      return false
    })
    yield* Effect.forEach(clients, lookAround, { concurrency: 4 }).pipe(
      Effect.repeat({ until: (known) => known.every((all) => all), schedule: Schedule.spaced(100) }),
      Effect.timeoutOrElse({
        duration: "30 seconds",
        orElse: () => Effect.die(new Error(`some of the ${count} nodes do not know ${enough} others after 30 s`)),
      }),
    )
    yield* emit({ event: "testnet", addresses: nodes.map(({ port }) => `${host}:${port}`) })
    yield* untilQuit
  })
