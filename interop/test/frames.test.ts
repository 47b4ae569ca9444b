/**
 * A whole exchange with a gossip node, frame by frame. The other end is a script: it sends frames with known bytes, decodes the frames that
 * it receives with iroh-gossip's own types, and encodes them again. The exchange is the same for both languages.
 */
import { Effect } from "effect"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import { gossip, languages, tap } from "../lib/peers.ts"

/** The first 32 bytes of SHA-512 of "frames". */
const topicId = "fda2f07c0e3fa87018d277157a622330c3ea2a1ff62af449612aa2ed3477d8ca"

/** BLAKE3 of the empty content and of "abc", from the published test vectors. */
const idOf = {
  nothing: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
  abc: "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
}

/** The bytes of messages (see PROTOCOL.md). */
const frame = {
  neighbor: "00040000",
  prune: "0101",
  ihave: (id: string) => `010301${id}00`,
  graft: (id: string) => `010201${id}00`,
  gossip: (id: string, content: string) =>
    `0100${id}${(content.length / 2).toString(16).padStart(2, "0")}${content}0001`,
  shuffle: (origin: string, nodes: ReadonlyArray<string>) =>
    `0002${origin}${nodes.length.toString(16).padStart(2, "0")}${nodes.map((node) => `${node}00`).join("")}00`,
  /** For a peer on loopback, with ttl 0. */
  forwardJoin: (peer: string, port: number) => {
    const data = `000100${"7f000001"}${varint(port)}`
    return `0001${peer}01${(data.length / 2).toString(16).padStart(2, "0")}${data}00`
  },
}

/** Postcard's variable-length integer, in hex. */
const varint = (value: number): string => {
  const low = (value & 0x7f) | (value > 0x7f ? 0x80 : 0)
  return low.toString(16).padStart(2, "0") + (value > 0x7f ? varint(value >> 7) : "")
}

suite("frames", (it) => {
  for (const language of languages) {
    it.effect(`${language}: Join, Gossip, IHave, Graft, Prune, Shuffle, ForwardJoin, Disconnect`, () =>
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const script = yield* tap(host, "script")
        const node = yield* gossip(language, host, language, { topic: "frames", join: [script.contact] })
        let seen = 0
        /** The next frame of the node. It must have this kind and the bytes that iroh-gossip encodes. */
        const next = Effect.fn("next")(function* (kind: string) {
          const from = seen
          const found = yield* script.first("frame", { where: ({ index }) => index === from, what: kind })
          seen++
          assert.isTrue(found.canonical, found.hex)
          assert.isTrue(found.message.startsWith(kind), `frame ${from} is not ${kind} but ${found.message}`)
          return found
        })
        const send = (...frames: ReadonlyArray<string>) => script.request({ do: "send", frames }, "sent")

        // The node sends a Join with its addresses.
        const header = yield* next("topic")
        assert.strictEqual(header.hex, topicId)
        const join = yield* next("Swarm(Join(Some(PeerData(")
        assert.notInclude(join.message, "PeerData(0b)")

        // We accept it, and it accepts us.
        yield* send(topicId, frame.neighbor)
        yield* next("Swarm(Neighbor(Neighbor { priority: High, data: Some(PeerData(")
        yield* node.first("neighbor-up", { where: ({ peer }) => peer === script.endpointId })

        // It broadcasts a message.
        yield* node.request({ do: "broadcast", hex: "616263" }, "sent")
        const sent = yield* next("Gossip(Gossip(")
        assert.strictEqual(sent.hex, `0100${idOf.abc}036162630000`)

        // It prunes a link that delivers a message again.
        yield* send(frame.gossip(idOf.abc, "616263"))
        assert.strictEqual((yield* next("Gossip(Prune")).hex, frame.prune)

        // It asks for a message after IHave if the message does not arrive, and delivers it.
        yield* send(frame.ihave(idOf.nothing))
        const graft = yield* next("Gossip(Graft(")
        assert.strictEqual(graft.hex, frame.graft(idOf.nothing))
        yield* send(frame.gossip(idOf.nothing, ""))
        const received = yield* node.first("message", { where: ({ hex }) => hex === "" })
        assert.strictEqual(received.from, script.endpointId)
        assert.strictEqual(received.round, 1)

        // On a pruned link it sends ids only, and the message after a Graft.
        yield* send(frame.prune)
        yield* Effect.sleep("100 millis")
        yield* node.request({ do: "broadcast", hex: "646566" }, "sent")
        const offered = yield* next("Gossip(IHave(")
        const id = offered.hex.slice(6, 70)
        assert.strictEqual(offered.hex, frame.ihave(id))
        yield* send(frame.graft(id))
        assert.strictEqual((yield* next("Gossip(Gossip(")).hex, `0100${id}036465660000`)

        // It answers a Shuffle that ends at it with nodes that it knows.
        yield* send(frame.shuffle(script.endpointId, [script.endpointId]))
        yield* next("Swarm(ShuffleReply(")

        // It connects to the newcomer of a ForwardJoin.
        const newcomer = yield* gossip("Rust", host, "newcomer", { topic: "frames" })
        const port = Number(newcomer.contact.split(":").at(-1))
        yield* send(frame.forwardJoin(newcomer.endpointId, port))
        yield* newcomer.first("neighbor-up", { where: ({ peer }) => peer === node.endpointId })
        yield* node.first("neighbor-up", { where: ({ peer }) => peer === newcomer.endpointId })

        // It drops a payload whose hash is not its id. A frame that does not decode ends its stream and nothing else.
        yield* send(frame.gossip(idOf.nothing.replace("af", "00"), "aa"))
        yield* script.request({ do: "send", frames: [topicId, "ffffffff"], fresh: true }, "sent")
        yield* node.request({ do: "broadcast", hex: "676869" }, "sent")
        assert.include((yield* next("Gossip(Gossip(")).hex, "03676869")
        yield* newcomer.first("message", { where: ({ hex }) => hex === "676869" })

        // When it leaves, it sends nodes that it knows. A Disconnect is the last frame of the stream.
        yield* node.send({ do: "quit" })
        yield* next("Swarm(ShuffleReply(")
        const last = yield* next("Swarm(Disconnect(")
        assert.strictEqual(last.hex, "00050000")
        yield* script.first("stream-end")
        const allReceived = (yield* node.events).flatMap((event) => (event.event === "message" ? [event.hex] : []))
        assert.deepStrictEqual(allReceived, [""])
      }),
    )
  }
})
