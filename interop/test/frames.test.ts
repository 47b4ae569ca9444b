/**
 * A whole exchange with a gossip node, frame by frame. The other end is a script: it sends frames of known bytes, and shows
 * what it is sent, decoded with iroh-gossip's own types and encoded again. Both languages must go through the same exchange.
 */
import { Effect } from "effect"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import { gossip, languages, tap } from "../lib/peers.ts"

/** SHA-512 of "frames", cut to 32 bytes. */
const topicId = "fda2f07c0e3fa87018d277157a622330c3ea2a1ff62af449612aa2ed3477d8ca"

/** BLAKE3 of the content, from the published test vectors: of nothing, and of "abc". */
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
  /** Of a peer on loopback, at the end of its walk. */
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
        /** The next frame it sends, which must be of this kind and what the reference would make of it. */
        const next = Effect.fn("next")(function* (kind: string) {
          const from = seen
          const found = yield* script.first("frame", { where: ({ index }) => index === from, what: kind })
          seen++
          assert.isTrue(found.canonical, found.hex)
          assert.isTrue(found.message.startsWith(kind), `frame ${from} is no ${kind} but ${found.message}`)
          return found
        })
        const send = (...frames: ReadonlyArray<string>) => script.ask({ do: "send", frames }, "sent")

        // It asks to be let in, and says where it is.
        const header = yield* next("topic")
        assert.strictEqual(header.hex, topicId)
        const join = yield* next("Swarm(Join(Some(PeerData(")
        assert.notInclude(join.message, "PeerData(0b)")

        // We let it in, and it is a neighbour too.
        yield* send(topicId, frame.neighbor)
        yield* next("Swarm(Neighbor(Neighbor { priority: High, data: Some(PeerData(")
        yield* node.first("neighbor-up", { where: ({ peer }) => peer === script.endpointId })

        // It says something.
        yield* node.ask({ do: "broadcast", hex: "616263" }, "sent")
        const said = yield* next("Gossip(Gossip(")
        assert.strictEqual(said.hex, `0100${idOf.abc}036162630000`)

        // What it has heard already, it wants no more of.
        yield* send(frame.gossip(idOf.abc, "616263"))
        assert.strictEqual((yield* next("Gossip(Prune")).hex, frame.prune)

        // What it is told of and does not get, it asks for; and it shows what it then gets.
        yield* send(frame.ihave(idOf.nothing))
        const graft = yield* next("Gossip(Graft(")
        assert.strictEqual(graft.hex, frame.graft(idOf.nothing))
        yield* send(frame.gossip(idOf.nothing, ""))
        const heard = yield* node.first("message", { where: ({ hex }) => hex === "" })
        assert.strictEqual(heard.from, script.endpointId)
        assert.strictEqual(heard.round, 1)

        // Pruned, it sends ids only, and the whole to who grafts.
        yield* send(frame.prune)
        yield* Effect.sleep("100 millis")
        yield* node.ask({ do: "broadcast", hex: "646566" }, "sent")
        const offered = yield* next("Gossip(IHave(")
        const id = offered.hex.slice(6, 70)
        assert.strictEqual(offered.hex, frame.ihave(id))
        yield* send(frame.graft(id))
        assert.strictEqual((yield* next("Gossip(Gossip(")).hex, `0100${id}036465660000`)

        // To a shuffle that ends with it, it replies with nodes that it knows.
        yield* send(frame.shuffle(script.endpointId, [script.endpointId]))
        yield* next("Swarm(ShuffleReply(")

        // A newcomer it is told of, it takes in.
        const newcomer = yield* gossip("Rust", host, "newcomer", { topic: "frames" })
        const port = Number(newcomer.contact.split(":").at(-1))
        yield* send(frame.forwardJoin(newcomer.endpointId, port))
        yield* newcomer.first("neighbor-up", { where: ({ peer }) => peer === node.endpointId })
        yield* node.first("neighbor-up", { where: ({ peer }) => peer === newcomer.endpointId })

        // A payload that is not what its id says is dropped. A frame that is no message ends its stream, and nothing else.
        yield* send(frame.gossip(idOf.nothing.replace("af", "00"), "aa"))
        yield* script.ask({ do: "send", frames: [topicId, "ffffffff"], fresh: true }, "sent")
        yield* node.ask({ do: "broadcast", hex: "676869" }, "sent")
        assert.include((yield* next("Gossip(Gossip(")).hex, "03676869")
        yield* newcomer.first("message", { where: ({ hex }) => hex === "676869" })

        // Leaving, it hands on whom it knows, and a Disconnect is the stream's last frame.
        yield* node.tell({ do: "quit" })
        yield* next("Swarm(ShuffleReply(")
        const last = yield* next("Swarm(Disconnect(")
        assert.strictEqual(last.hex, "00050000")
        yield* script.first("stream-end")
        const heardAll = (yield* node.events).flatMap((event) => (event.event === "message" ? [event.hex] : []))
        assert.deepStrictEqual(heardAll, [""])
      }),
    )
  }
})
