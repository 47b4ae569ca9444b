/** The processor time that a peer can take with frames: the bounds are those of a node that many peers talk to. */

import { assert, describe, it } from "@effect/vitest"
import { ed25519 } from "@noble/curves/ed25519.js"
import { EndpointId } from "@topic-tracker/crypto"
import { Result } from "effect"
import { isEndpointKey } from "../../src/protocol/codec/endpointKey.ts"
import * as Protocol from "../../src/protocol/index.ts"
import { bytes, idOf } from "./node.ts"

const FRAME_BYTES = 4_095
const BYTES_PER_SECOND = 400_000

let point = ed25519.Point.BASE
/** A key that no call returned before. */
const freshKey = () => {
  point = point.add(ed25519.Point.BASE)
  return EndpointId.fromBytes(point.toBytes())
}
const names = (count: number) => Array.from({ length: count }, () => ({ id: freshKey(), data: undefined }))

/** Milliseconds of processor time, whatever else the machine does. */
const cost = (run: () => void): number => {
  const start = process.cpuUsage()
  run()
  const { system, user } = process.cpuUsage(start)
  return (system + user) / 1_000
}

const frames = (): Readonly<Record<string, Uint8Array>> => {
  const content = new Uint8Array(Protocol.maxContentBytes(4_096))
  const id = Protocol.MessageId.ofContent(content)
  const ids = Array.from({ length: 115 }, (_, i) => ({ id: idOf(`${i}`), round: 1 }))
  const messages: ReadonlyArray<Protocol.Message> = [
    { _tag: "Shuffle", origin: freshKey(), nodes: names(119), ttl: 6 },
    { _tag: "ForwardJoin", peer: { id: freshKey(), data: new Uint8Array(4_000) }, ttl: 6 },
    { _tag: "IHave", messages: ids },
    { _tag: "Gossip", id, content, scope: { _tag: "Swarm", round: 1 } },
    { _tag: "Graft", id, round: 1 },
    { _tag: "Prune" },
  ]
  const valid = messages.map((message) => [message._tag, Protocol.encodeMessage(message)] as const)
  const malformed = Object.fromEntries([0, 1, 2, 3].map((i) => [`malformed ${i}`, new Uint8Array(FRAME_BYTES).fill(i)]))
  return { ...Object.fromEntries(valid), ...malformed }
}

describe("decoding", () => {
  it("takes at most 0.5 ms for a frame of 119 unknown keys", () => {
    const encoded = Array.from({ length: 20 }, () =>
      Protocol.encodeMessage({ _tag: "Shuffle", origin: freshKey(), nodes: names(118), ttl: 6 }),
    )
    const ms = cost(() => {
      for (const frame of encoded) assert.isTrue(Result.isSuccess(Protocol.decodeMessage(frame)))
    })
    assert.isAtMost(ms / encoded.length, 0.5)
  })

  it("takes at most a tenth of a core at 400 KB of any frames a second", () => {
    for (const [kind, frame] of Object.entries(frames())) {
      // The smallest frame on a stream has 4 bytes more than its message; a tenth of a second is measured.
      const count = Math.ceil(BYTES_PER_SECOND / 10 / (frame.length + 4))
      const decode = () => {
        for (let i = 0; i < count; i++) Protocol.decodeMessage(frame)
      }
      decode()
      assert.isAtMost(Math.min(...Array.from({ length: 5 }, () => cost(decode))), 10, kind)
    }
  })
})

describe("a neighbour that sends frames of keys", () => {
  it("has at most 16 keys checked at once, and then one a second", () => {
    const [me, neighbor] = [freshKey(), freshKey()]
    let checks = 0
    const state = new Protocol.GossipState({
      me,
      peerData: bytes("me"),
      config: Protocol.defaultConfig,
      rng: new Protocol.Xoshiro128(1),
      isKey: (id) => {
        checks++
        return isEndpointKey(id)
      },
    })
    const receive = (message: Protocol.Message, now: number) =>
      state.handle({ _tag: "Received", from: neighbor, topic: "topic", message }, now, [])
    state.handle({ _tag: "Join", topic: "topic", peers: [] }, 0, [])
    receive({ _tag: "Join", data: undefined }, 0)
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 10; i++) {
        receive({ _tag: "Shuffle", origin: freshKey(), nodes: names(8), ttl: 6 }, second * 1_000)
        receive({ _tag: "ShuffleReply", nodes: names(8) }, second * 1_000)
      }
    }
    assert.isAtMost(checks, 16 + 9)
  })
})
