import { Bytes } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { Arbitrary, Schema } from "effect"
import * as Protocol from "../../src/protocol/index.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const seed = int(0, 0xffff_ffff)

/** Bytes of any length up to the limit, all lengths equally likely. */
export const byteArrays = (maxLength: number): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.map(Arbitrary.all([int(0, maxLength), seed]), ([length, seed]) => {
    const rng = new Protocol.Xoshiro128(seed)
    return Uint8Array.from({ length }, () => rng.nextInt(256))
  })

/** Keys of the curve: RFC 8032, section 7.1, and the base point. */
const keys = [
  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  "5866666666666666666666666666666666666666666666666666666666666666",
].map((hex) => EndpointId.fromBytes(Bytes.fromHex(hex)))

const pick = <A>(items: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(int(0, items.length - 1), (i) => items[i] as A)
const u16 = int(0, 0xffff)
const data = Arbitrary.flatMap(
  pick([true, false]),
  (some): Arbitrary.Arbitrary<Uint8Array | undefined> => (some ? byteArrays(60) : Arbitrary.Constant(undefined)),
)
const peerInfo = Arbitrary.all({ id: pick(keys), data })
const id = Arbitrary.map(byteArrays(8), (content) => Protocol.MessageId.ofContent(content))
const tagged = <const T extends string, A extends Record<string, Arbitrary.Arbitrary<unknown>>>(tag: T, fields: A) =>
  Arbitrary.all({ _tag: Arbitrary.Constant(tag), ...fields })

/** Every kind of message. */
export const messages: Arbitrary.Arbitrary<Protocol.Message> = Arbitrary.flatMap(
  int(0, 9),
  (kind): Arbitrary.Arbitrary<Protocol.Message> =>
    [
      tagged("Join", { data }),
      tagged("ForwardJoin", { peer: peerInfo, ttl: u16 }),
      tagged("Shuffle", { origin: pick(keys), nodes: Arbitrary.array(peerInfo, { maxLength: 8 }), ttl: u16 }),
      tagged("ShuffleReply", { nodes: Arbitrary.array(peerInfo, { maxLength: 8 }) }),
      tagged("Neighbor", { priority: pick(["high", "low"] as const), data }),
      tagged("Disconnect", { alive: pick([true, false]), respond: pick([true, false]) }),
      tagged("Gossip", {
        id,
        content: byteArrays(300),
        scope: Arbitrary.map(
          u16,
          (round): Protocol.DeliveryScope => (round % 3 === 0 ? { _tag: "Neighbors" } : { _tag: "Swarm", round }),
        ),
      }),
      tagged("Prune", {}),
      tagged("Graft", {
        id: Arbitrary.flatMap(pick([true, false]), (some) => (some ? id : Arbitrary.Constant(undefined))),
        round: u16,
      }),
      tagged("IHave", { messages: Arbitrary.array(Arbitrary.all({ id, round: u16 }), { maxLength: 20 }) }),
    ][kind] as Arbitrary.Arbitrary<Protocol.Message>,
)
