import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeNodes } from "../src/krpc/compactNodes.ts"
import type { QueryEvent } from "../src/krpc/KrpcSocket.ts"
import { compareDistance } from "../src/krpc/nodeId.ts"
import type { DhtNode } from "../src/model.ts"
import { type PeerQuery, PeerServer } from "../src/serve/PeerServer.ts"
import { Tokens } from "../src/serve/Tokens.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"
import { boundSocket, openTable, peerStore } from "./sockets.ts"

const generator = makeGenerator(44)
const id = generator.bytes(20)
const target = generator.bytes(20)

const times = { roundTripFloor: 1000, roundTripInitial: 1000, roundTripCeiling: 2000 }

/** A table that answers the queries of its socket, and a socket that asks. */
const asked = Effect.gen(function* () {
  const socket = yield* boundSocket({
    ...times,
    onQuery: (query, from) => {
      const answer = server.answer(query as PeerQuery, from, performance.now())
      if (answer?._tag === "reply") socket.reply(from, query.t, answer.r)
      else if (answer !== undefined) socket.error(from, query.t, answer.code, answer.message)
    },
  })
  const table = yield* openTable({ socket, id })
  const server = new PeerServer({
    id: () => id,
    peers: peerStore(),
    tokens: new Tokens(generator.bytes(32)),
    closest: (target, count) => table.closest(target, count),
  })
  const client = yield* boundSocket(times)
  const ask = Effect.fnUntraced(function* (method: string, a: Record<string, Uint8Array | number>) {
    const event = yield* Effect.callback<QueryEvent>((resume) =>
      client.query(socket.address, method, { id: target, ...a }, (event) => resume(Effect.succeed(event))),
    )
    assert(event._tag === "reply", `${method}: ${event._tag}`)
    return event.reply
  })
  return { table, ask }
})

/** Nodes at all distances from the table's own id, as lookups find them. */
const nodes = (count: number): ReadonlyArray<DhtNode> =>
  Array.from({ length: count }, (_, n) => {
    const shared = n % 20
    const away = generator
      .bytes(20)
      .map((byte, i) => (i < shared >> 3 ? 0 : i === shared >> 3 ? byte >> (shared & 7) : byte))
    return { id: id.map((byte, i) => byte ^ away[i]!), host: `10.0.${n >> 8}.${n & 255}`, port: 1 }
  })

describe("an answer of the server of peers", () => {
  it.live("names the 32 nearest of all nodes", () =>
    Effect.gen(function* () {
      const { table, ask } = yield* asked
      for (const node of nodes(600)) table.add(node)
      assert.isAbove(table.size, 200)
      for (const [method, a] of [
        ["find_node", { target }],
        ["get_peers", { info_hash: target }],
      ] as const) {
        const { nodes } = yield* ask(method, a)
        const named = decodeNodes(nodes!, "127.0.0.1")
        assert.deepStrictEqual(
          named.map(({ port, host }) => ({ port, host })),
          [...table.nodes]
            .sort((a, b) => compareDistance(target, a.id, b.id))
            .slice(0, 32)
            .map(({ port, host }) => ({ port, host })),
        )
      }
    }),
  )

  it.live("names a hundred of all peers", () =>
    Effect.gen(function* () {
      const { ask } = yield* asked
      const { token } = yield* ask("get_peers", { info_hash: target })
      for (let port = 1; port <= 300; port++) yield* ask("announce_peer", { info_hash: target, port, token: token! })
      const { values } = yield* ask("get_peers", { info_hash: target })
      assert.strictEqual(values?.length, 100)
    }),
  )
})
