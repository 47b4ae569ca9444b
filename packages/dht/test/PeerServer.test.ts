import { assert, describe, it } from "@effect/vitest"
import { decodeNodes } from "../src/krpc/compactNodes.ts"
import type { DhtNode } from "../src/model.ts"
import { PeerServer } from "../src/serve/PeerServer.ts"
import { Tokens } from "../src/serve/Tokens.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"
import { peerStore } from "./sockets.ts"

const generator = makeGenerator(9)
const [id, other, info_hash] = [generator.bytes(20), generator.bytes(20), generator.bytes(20)]
const from = { host: "203.0.113.7", port: 4_000 }
const nodes: ReadonlyArray<DhtNode> = Array.from({ length: 40 }, (_, i) => ({
  id: generator.bytes(20),
  host: `9.18.7.${i + 1}`,
  port: 6_881,
}))
const t = Uint8Array.of(1)

const make = () => {
  const server = new PeerServer({
    id: () => id,
    peers: peerStore(),
    tokens: new Tokens(new Uint8Array(32)),
    closest: (_, count) => nodes.slice(0, count),
  })
  const getPeers = (now = 0, host = from.host) => {
    const answer = server.answer({ t, y: "q", q: "get_peers", a: { id: other, info_hash } }, { ...from, host }, now)
    assert(answer?._tag === "reply")
    return answer.r
  }
  const announce = (a: { token: Uint8Array; port?: bigint; implied_port?: bigint }, now = 0) =>
    server.answer({ t, y: "q", q: "announce_peer", a: { id: other, info_hash, port: 7_000n, ...a } }, from, now)
  return { server, getPeers, announce, token: () => getPeers().token as Uint8Array }
}

describe("PeerServer", () => {
  it("answers ping with our id, and find_node with the 32 nearest nodes", () => {
    const { server } = make()
    assert.deepStrictEqual(server.answer({ t, y: "q", q: "ping", a: { id: other } }, from, 0), {
      _tag: "reply",
      r: { id },
    })
    const found = server.answer({ t, y: "q", q: "find_node", a: { id: other, target: info_hash } }, from, 0)
    assert(found?._tag === "reply")
    assert.deepStrictEqual(found.r.id, id)
    assert.deepStrictEqual(
      decodeNodes(found.r.nodes as Uint8Array, from.host).map(({ host }) => host),
      nodes.slice(0, 32).map(({ host }) => host),
    )
  })

  it("answers get_peers with a token and nodes, and with announced peers instead of nodes if there are some", () => {
    const { announce, getPeers, token } = make()
    assert.deepStrictEqual(Object.keys(getPeers()), ["id", "nodes", "token"])
    assert.deepStrictEqual(announce({ token: token() }), { _tag: "reply", r: { id } })
    const { values, ...rest } = getPeers()
    assert.deepStrictEqual(Object.keys(rest), ["id", "token"])
    assert.deepStrictEqual(values, [Uint8Array.of(203, 0, 113, 7, 7_000 >> 8, 7_000 & 255)])
  })

  it("takes the port of the sender if that is implied, and announces no port 0", () => {
    const { announce, getPeers, token } = make()
    assert.isUndefined(announce({ token: token(), port: 0n }))
    assert.isUndefined(getPeers().values)
    announce({ token: token(), port: 0n, implied_port: 1n })
    assert.deepStrictEqual(getPeers().values, [Uint8Array.of(203, 0, 113, 7, 4_000 >> 8, 4_000 & 255)])
  })

  it("refuses a token of another host, of another secret, and one older than ten minutes", () => {
    const { announce, getPeers, token } = make()
    const minute = 60_000
    for (const [bad, now] of [
      [getPeers(0, "203.0.113.8").token as Uint8Array, 0],
      [new Uint8Array(8), 0],
      [token(), 11 * minute],
    ] as const) {
      const answer = announce({ token: bad }, now)
      assert(answer?._tag === "error")
      assert.strictEqual(answer.code, 203)
    }
    assert.isUndefined(getPeers().values)
    assert.strictEqual(announce({ token: token() }, 9 * minute)?._tag, "reply")
  })
})
