import { assert, describe, it } from "@effect/vitest"
import { Crypto, RecordKeys, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { decodeBencode, parseDatagram } from "@topic-tracker/dht/testing"
import { Protocol } from "@topic-tracker/gossip"
import { Effect, Result } from "effect"
import * as frames from "../src/attacker/frames.ts"
import { bencode, findString, slotOf } from "../src/attacker/krpc.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

describe("frames of an attacker", () => {
  const key = frames.endpointKey()
  const id = Buffer.alloc(32, 7)
  const decode = (bytes: Buffer) => Result.getOrThrow(Protocol.decodeMessage(bytes.subarray(4)))

  it("are messages to our codec, which writes the same bytes", () => {
    const all = [
      frames.join(frames.peerData(["127.0.0.1:5"])),
      frames.forwardJoin({ id: key }, 6),
      frames.shuffle(key, [{ id: key, data: frames.peerData([]) }], 300),
      frames.shuffleReply([{ id: key }]),
      frames.neighbor("high"),
      frames.neighbor("low", Buffer.of(0, 0)),
      frames.disconnect(true),
      frames.payload(Buffer.from("hello"), 3),
      frames.prune(),
      frames.graft(id, 2),
      frames.graft(undefined),
      frames.iHave([id]),
    ]
    for (const frame of all) {
      assert.strictEqual(hex(Protocol.encodeMessage(decode(frame))), hex(frame.subarray(4)))
      assert.strictEqual(frames.kindOf(frame.subarray(4)), decode(frame)._tag)
    }
  })

  it("carry addresses that our codec reads", () => {
    const decoded = Result.getOrThrow(
      Protocol.decodePeerData(frames.peerData(["9.8.7.6:443"], "https://relay.example/")),
    )
    assert.deepStrictEqual(decoded, { relayUrl: "https://relay.example/", direct: ["9.8.7.6:443"] })
  })

  it("are as large as a frame may be", () => {
    const { length } = frames.fullShuffle(() => key)
    assert.isAtMost(length - 4, frames.MAX_FRAME_BYTES)
    assert.isAbove(length, 3_900)
  })
})

describe("datagrams of an attacker", () => {
  it("are KRPC to our parser", () => {
    const query = bencode({
      t: Buffer.of(1, 2),
      y: "q",
      q: "get",
      a: { id: Buffer.alloc(20), target: Buffer.alloc(20, 1) },
    })
    assert.strictEqual(parseDatagram(query)?.y, "q")
    assert.isDefined(decodeBencode(bencode({ b: 1, a: [2n, "three"], c: undefined })))
    assert.strictEqual(findString(query, "t")?.toString("hex"), "0102")
  })

  it("sign items of a topic's slot", async () => {
    const minute = 29_000_000
    const slot = slotOf("a topic", minute)
    const program = Effect.gen(function* () {
      const crypto = yield* Crypto
      const keys = RecordKeys.make(crypto, yield* Effect.provide(SecretRotation, SecretRotation.layer()))
      const ours = keys.dht(TopicId.fromName("a topic"), BigInt(minute))
      assert.strictEqual(hex(slot.publicKey), hex(ours.signingKey.publicKey))
      assert.strictEqual(hex(slot.salt), hex(ours.salt))
      return crypto
    })
    const crypto = await Effect.runPromise(program.pipe(Effect.provide(Crypto.layer())))
    const { k, salt, seq, sig, v } = slot.item(Buffer.from("garbage"))
    assert.isTrue(
      crypto.verifyStrict(
        k,
        Buffer.concat([Buffer.from("4:salt"), bencode(salt), Buffer.from(`3:seqi${seq}e1:v`), bencode(v)]),
        sig,
      ),
    )
  })
})
