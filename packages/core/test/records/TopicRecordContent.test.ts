import { assert, describe, it } from "@effect/vitest"
import { EndpointId, GossipRecordContent } from "@topic-tracker/crypto"
import { Postcard } from "@topic-tracker/postcard"
import { Effect, Schema } from "effect"
import { TopicRecordContent } from "../../src/records/TopicRecordContent.ts"

const encode = Schema.encodeEffect(TopicRecordContent)
const decode = Schema.decodeEffect(TopicRecordContent)
const asReference = Schema.decodeEffect(GossipRecordContent)

const content = {
  activePeers: [EndpointId.fromBytes(new Uint8Array(32).fill(1)), EndpointId.fromBytes(new Uint8Array(32).fill(3))],
  lastMessageHashes: [new Uint8Array(32).fill(3)],
}
const address = { relayUrl: "https://relay.example/", direct: ["192.0.2.1:7", "[2001:db8::1]:65535"] }

const withTail = Effect.fnUntraced(function* (...tail: ReadonlyArray<number>) {
  return Uint8Array.from([...(yield* encode(content)), ...tail])
})

const addr = [...new TextEncoder().encode("addr")]

describe("TopicRecordContent", () => {
  it.effect("comes back as it was, with an address and without", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decode(yield* encode({ ...content, address })), { ...content, address })
      assert.deepStrictEqual(yield* decode(yield* encode(content)), content)
    }),
  )

  it.effect("begins with the crate's content, and is equal to it without an address", () =>
    Effect.gen(function* () {
      const reference = yield* Schema.encodeEffect(GossipRecordContent)(content)
      const bytes = yield* encode({ ...content, address })
      assert.deepStrictEqual(bytes.slice(0, 320), reference)
      assert.deepStrictEqual(yield* asReference(bytes), content)
      assert.deepStrictEqual(yield* encode(content), reference)
      const withoutAddress = yield* encode({ ...content, address: { relayUrl: undefined, direct: [] } })
      assert.deepStrictEqual([...withoutAddress.slice(320)], [...addr, 0, 0])
      assert.deepStrictEqual((yield* decode(withoutAddress)).address, { relayUrl: undefined, direct: [] })
    }),
  )

  it.effect("has these bytes after the crate's: the tag, then an AddrInfo of iroh-gossip", () =>
    Effect.gen(function* () {
      const bytes = yield* encode({ ...content, address: { relayUrl: undefined, direct: ["127.0.0.1:300"] } })
      // No relay; one address, of the kind IPv4; its port as a varint.
      assert.deepStrictEqual([...bytes.slice(320)], [...addr, 0, 1, 0, 127, 0, 0, 1, 0xac, 0x02])
    }),
  )

  it.effect("ends with a mark in a members-only topic, and leaves it room in the datagram", () =>
    Effect.gen(function* () {
      const mark = [...new TextEncoder().encode("memb"), 1]
      const access = "members" as const
      for (const given of [
        { ...content, access },
        { ...content, address, access },
      ]) {
        const bytes = yield* encode(given)
        assert.deepStrictEqual([...bytes.slice(-5)], mark)
        assert.deepStrictEqual(yield* decode(bytes), given)
        assert.deepStrictEqual(yield* asReference(bytes), content)
      }
      const direct = Array.from({ length: 16 }, (_, i) => `192.0.2.${i}:${4_000 + i}`)
      const many = { ...content, address: { relayUrl: undefined, direct } }
      const open = yield* encode(many)
      const members = yield* encode({ ...many, access })
      assert.isAtMost(open.length, 320 + 72)
      assert.isAtMost(members.length, 320 + 72)
      // Access 0 is that of an open topic, which we write without a mark.
      assert.notProperty(yield* decode(Uint8Array.from([...open, ...mark.slice(0, 4), 0])), "access")
      assert.notProperty(yield* decode(Uint8Array.from([...open, ...mark.slice(0, 4)])), "access")
    }),
  )

  it.effect("ignores other bytes that follow", () =>
    Effect.gen(function* () {
      for (const tail of [[0], addr, [...addr, 0], [...addr, 7, 7], [...addr, 0, 200, 1], [97, 100, 100, 115, 0, 0]]) {
        assert.deepStrictEqual(yield* decode(yield* withTail(...tail)), content, `${tail}`)
      }
    }),
  )

  it.effect.prop("never fails on any bytes of the right length", [Schema.Array(Postcard.u8.schema)], ([tail]) =>
    Effect.gen(function* () {
      const decoded = yield* decode(yield* withTail(...addr, ...tail))
      assert.deepStrictEqual(decoded.activePeers, content.activePeers)
    }),
  )

  it.effect("is refused when the crate's part is cut short", () =>
    Effect.gen(function* () {
      const bytes = yield* encode(content)
      assert.strictEqual((yield* Effect.flip(decode(bytes.subarray(0, 319))))._tag, "SchemaError")
    }),
  )

  it.effect("drops names that are no keys", () =>
    Effect.gen(function* () {
      const noKey = EndpointId.fromBytes(new Uint8Array(32).fill(2))
      const bytes = yield* encode({ ...content, activePeers: [noKey, ...content.activePeers] })
      assert.deepStrictEqual(yield* decode(bytes), content)
    }),
  )

  it.effect("gives addresses 72 bytes: the last addresses or a long relay URL are dropped", () =>
    Effect.gen(function* () {
      const direct = Array.from({ length: 40 }, (_, i) => `[2001:db8::${(i + 1).toString(16)}]:65535`)
      const crowded = yield* encode({ ...content, address: { relayUrl: address.relayUrl, direct } })
      assert.isAtMost(crowded.length, 320 + 72)
      const kept = (yield* decode(crowded)).address
      assert.deepStrictEqual(kept, { relayUrl: address.relayUrl, direct: direct.slice(0, kept?.direct.length) })
      assert.strictEqual(kept?.direct.length, 2)
      const relayUrl = `https://${"a".repeat(400)}.example/`
      const relayLeftOut = (yield* decode(yield* encode({ ...content, address: { relayUrl, direct } }))).address
      assert.deepStrictEqual(relayLeftOut, { relayUrl: undefined, direct: direct.slice(0, 3) })
    }),
  )

  it.effect("has at most sixteen addresses, also if another node writes more", () =>
    Effect.gen(function* () {
      const direct = Array.from({ length: 20 }, (_, i) => `192.0.2.${i + 1}:7`)
      const bytes = yield* encode({ ...content, address: { relayUrl: undefined, direct } })
      assert.deepStrictEqual((yield* decode(bytes)).address?.direct, direct.slice(0, 11))
      const many = [...addr, 0, 20, ...Array.from({ length: 20 }, (_, i) => [0, 192, 0, 2, i + 1, 7]).flat()]
      assert.deepStrictEqual((yield* decode(yield* withTail(...many))).address?.direct, direct.slice(0, 16))
    }),
  )
})
