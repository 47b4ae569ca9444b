/**
 * Puts of fresh clients in a network of 60 nodes of which half know no `get` and `put` (BEP 44), on a simulated network: each put is stored on
 * 20 of the 30 that can, although honest nodes name many silent ones, and although a node takes its time to check a signature.
 */
import { assert, describe, it } from "@effect/vitest"
import { SocketAddress } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { type BindUdpSocket, UdpSockets } from "@topic-tracker/dht"
import { Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import { targetOf } from "../src/bep44/item.ts"
import { encode } from "../src/krpc/bencode.ts"
import { HostRules } from "../src/krpc/HostRules.ts"
import { ErrorCode, parse } from "../src/krpc/message.ts"
import { compareDistance, type ReachOf } from "../src/krpc/nodeId.ts"
import { makeUdpNode, type UdpNode } from "../src/makeUdpNode.ts"
import { ascii, newKey } from "./clients.ts"
import { simulatedSockets, timed } from "./simulatedSockets.ts"

const NODES = 60
const PUTS = 20

/** The delay of a datagram, and the time after which a busy node takes a put: more than a round trip explains. Both in ms. */
const DELAY = 2
const BUSY_MS = 60

interface Setting {
  readonly reachOf: ReachOf
  readonly hostOf: (n: number) => string
}

const publicHosts: Setting = { reachOf: () => "public", hostOf: (n) => `${11 + n}.1.1.1` }
const oneHost: Setting = { reachOf: SocketAddress.reachOf4, hostOf: () => "127.0.0.1" }

/** The reaction of a node to `get` and `put`. */
type Reaction = "error" | "silence" | "answer" | "late answer"

/** The sockets of such a node. */
const reacting =
  (bind: BindUdpSocket, reaction: Reaction): BindUdpSocket =>
  (address) =>
    Effect.gen(function* () {
      const { receive, ...socket } = yield* bind(address)
      const run = Effect.runForkWith(yield* Effect.context<never>())
      return {
        ...socket,
        receive: (receiver) =>
          receive((datagram, from) => {
            const message = parse(datagram)
            const method = message?.y === "q" ? message.q : undefined
            if (message === undefined || (method !== "get" && method !== "put")) return receiver(datagram, from)
            if (reaction === "error") {
              const e = [ErrorCode.MethodUnknown, "Method Unknown"]
              socket.send(encode({ e, t: message.t, y: "e" }), from, () => {})
            } else if (reaction === "late answer" && method === "put") {
              run(
                Effect.delay(
                  Effect.sync(() => receiver(datagram, from)),
                  BUSY_MS,
                ),
              )
            } else if (reaction !== "silence") receiver(datagram, from)
          }),
      }
    })

/** The stored copies of each of {@link PUTS} puts by fresh clients, and how many of the 20 nearest nodes that can store are among those. */
const putAll = Effect.fnUntraced(function* (
  { hostOf }: Setting,
  withoutItems: "error" | "silence",
  { busy, staysKnown }: { readonly busy: boolean; readonly staysKnown: boolean },
) {
  const { bind } = yield* UdpSockets
  const start = (n: number, bootstrap: ReadonlyArray<UdpNode>, reaction: Reaction, readOnly = false) =>
    makeUdpNode({
      host: hostOf(n),
      bootstrap: bootstrap.map(({ node: { host, port } }) => ({ host, port })),
      retries: 0,
      readOnly,
      introduceAfter: 1,
      queriesTotal: 100_000,
      replyBytesTotal: 100_000_000,
    }).pipe(Effect.provideService(UdpSockets, { bind: reacting(bind, reaction) }))

  const nodes: Array<UdpNode> = []
  for (let n = 0; n < NODES; n++) {
    nodes.push(yield* start(n, nodes.slice(0, 1), n % 2 === 1 ? withoutItems : busy ? "late answer" : "answer"))
    yield* TestClock.adjust(100)
  }
  for (let i = 0; i < 30; i++) yield* TestClock.adjust(100)

  const put = Effect.fnUntraced(function* (n: number) {
    const { key, salt, at } = yield* newKey
    const target = targetOf(at.publicKey, salt)
    const { service } = yield* start(NODES + n, nodes.slice(0, 1), "answer", !staysKnown)
    const stored = Effect.map(
      Effect.forEach(nodes, (one) => one.service.stats),
      (all) => all.map(({ itemsStored }) => itemsStored),
    )
    const before = yield* stored
    const { value: receipt } = yield* timed(service.put({ key, salt, seq: 1n, value: ascii("a") }))
    const after = yield* stored
    const nearest = [...nodes.keys()]
      .filter((i) => i % 2 === 0)
      .sort((a, b) => compareDistance(target, nodes[a]!.node.id, nodes[b]!.node.id))
      .slice(0, 20)
    return { copies: receipt.stored, nearest: nearest.filter((i) => after[i]! > before[i]!).length }
  })
  return yield* Effect.forEach(Array.from({ length: PUTS }).keys(), (n) => Effect.scoped(put(n)))
})

const expectStored = (setting: Setting, withoutItems: "error" | "silence", clients: Parameters<typeof putAll>[2]) =>
  Effect.gen(function* () {
    const puts = yield* putAll(setting, withoutItems, clients)
    puts.forEach(({ copies, nearest }, i) => {
      assert.strictEqual(copies, 20, `copies of put ${i}`)
      // A node names only the nearest that it knows: some are named by none of those that answer.
      assert.isAtLeast(nearest, 14, `copies of put ${i} on the nearest nodes`)
    })
  }).pipe(
    Effect.provideService(HostRules, { reachOf: setting.reachOf }),
    Effect.scoped,
    Effect.provide([simulatedSockets(DELAY), Crypto.layerTest()]),
    Random.withSeed("half"),
  )

describe("puts among 60 nodes of which half know no items are stored on 20 others", () => {
  for (const [name, setting] of [
    ["public hosts", publicHosts],
    ["one private host", oneHost],
  ] as const) {
    for (const withoutItems of ["silence", "error"] as const) {
      describe(`${name}, half of them with ${withoutItems}`, () => {
        it.effect("also when nodes store late", () =>
          expectStored(setting, withoutItems, { busy: true, staysKnown: false }),
        )

        it.effect("also when nodes name clients that have ended", () =>
          expectStored(setting, withoutItems, { busy: false, staysKnown: true }),
        )
      })
    }
  }
})
