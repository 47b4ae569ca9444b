import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { Schema } from "effect"
import * as Pkarr from "../../src/address/pkarr.ts"

const id = EndpointId.fromBytes(new Uint8Array(32).fill(9))
const other = EndpointId.fromBytes(new Uint8Array(32).fill(8))
const vectors: { cases: Array<{ dns_packet: string; endpoint_id: string }> } = JSON.parse(
  readFileSync(new URL("../vectors/pkarr.json", import.meta.url), "utf8"),
)

describe("an address packet", () => {
  it("has the relay and the addresses, those with the widest reach first", () => {
    const packet = Pkarr.encode(id, {
      relayUrl: "https://relay.example.org./",
      userData: "hello",
      direct: ["127.0.0.1:1", "10.0.0.1:2", "93.184.216.1:3", "[2606:4700::1]:4", "93.184.216.1:3"],
    })
    assert.deepStrictEqual(Pkarr.decodeTxt(id, packet!), [
      "relay=https://relay.example.org./",
      "user-data=hello",
      "addr=93.184.216.1:3",
      "addr=[2606:4700::1]:4",
      "addr=10.0.0.1:2",
      "addr=127.0.0.1:1",
    ])
    assert.deepStrictEqual(Pkarr.decode(id, packet!), {
      relayUrl: "https://relay.example.org./",
      userData: "hello",
      direct: ["93.184.216.1:3", "[2606:4700::1]:4", "10.0.0.1:2", "127.0.0.1:1"],
    })
  })

  it("has the addresses that fit into a DHT item, those with the widest reach first", () => {
    const publicOnes = Array.from({ length: 20 }, (_, i) => `93.184.216.${i + 1}:${40000 + i}`)
    const privateOnes = Array.from({ length: 20 }, (_, i) => `10.0.0.${i + 1}:${40000 + i}`)
    const packet = Pkarr.encode(id, { relayUrl: undefined, direct: [...privateOnes, ...publicOnes] })!
    assert.isAtMost(packet.length, 995)
    const { direct } = Pkarr.decode(id, packet)!
    assert.deepStrictEqual(direct.slice(0, 20), publicOnes)
    assert.deepStrictEqual(direct.slice(20), privateOnes.slice(0, direct.length - 20))
    // There is no room for another one.
    const one = `addr=${privateOnes[direct.length - 20]}`
    assert.isUndefined(Pkarr.encodeTxt(id, [...Pkarr.decodeTxt(id, packet)!, one]))
  })

  it("has link-local IPv4 addresses, which are dialled as they are, and no link-local IPv6 address, which needs an interface", () => {
    const direct = ["[fe80::1]:1", "127.0.0.1:2", "169.254.1.1:3", "192.168.1.1:4", "93.184.216.1:5"]
    const packet = Pkarr.encode(id, { relayUrl: undefined, direct })!
    const dialled = ["93.184.216.1:5", "192.168.1.1:4", "169.254.1.1:3", "127.0.0.1:2"]
    assert.deepStrictEqual(Pkarr.decode(id, packet)?.direct, dialled)
    const strings = direct.map((address) => `addr=${address}`)
    assert.deepStrictEqual(Pkarr.decode(id, Pkarr.encodeTxt(id, strings)!)?.direct, direct.slice(1))
  })

  it("is not made when there is nothing to publish", () => {
    assert.isUndefined(Pkarr.encode(id, { relayUrl: undefined, direct: ["0.0.0.0:1", "1.2.3.4:0", "localhost:80"] }))
    assert.isUndefined(Pkarr.encode(id, { relayUrl: `https://${"a".repeat(250)}.example/`, direct: [] }))
  })

  it("is read whether its names are compressed or not", () => {
    // Two answers that both spell out the name, as encoders without compression write them.
    const one = Pkarr.encodeTxt(id, ["addr=93.184.216.1:1"])!
    const two = Pkarr.encodeTxt(id, ["addr=93.184.216.2:2"])!
    const both = Bytes.concat(one, two.subarray(12))
    both[7] = 2
    assert.deepStrictEqual(Pkarr.decode(id, both)?.direct, ["93.184.216.1:1", "93.184.216.2:2"])
  })

  it("skips attributes that are unknown, not usable, or of another endpoint", () => {
    const strings = [
      "addr=93.184.216.1:1",
      "addr=tor:xyz",
      "relay=ftp://x/",
      "colour=red",
      "nonsense",
      "",
      "addr=[::]:9",
    ]
    assert.deepStrictEqual(Pkarr.decode(id, Pkarr.encodeTxt(id, strings)!), {
      relayUrl: undefined,
      direct: ["93.184.216.1:1"],
    })
    assert.deepStrictEqual(Pkarr.decodeTxt(id, Pkarr.encodeTxt(other, ["addr=93.184.216.1:1"])!), [])
  })

  it("is no packet if it is cut anywhere, and never throws", () => {
    for (const { dns_packet, endpoint_id } of vectors.cases) {
      const id = EndpointId.fromBytes(Bytes.fromHex(endpoint_id))
      const packet = Bytes.fromHex(dns_packet)
      for (let length = 0; length < packet.length; length++) {
        assert.isUndefined(Pkarr.decode(id, packet.subarray(0, length)), `${length} of ${packet.length} bytes`)
      }
    }
  })

  const start = Bytes.fromHex(vectors.cases[0]!.dns_packet)
  it.prop(
    "never throws on any bytes",
    [Schema.Uint8Array, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: start.length }))],
    ([noise, at]) => {
      const info = Pkarr.decode(id, Bytes.concat(start.subarray(0, at), noise))
      assert.isTrue(info === undefined || info.direct.length <= 1)
    },
  )

  it("is no packet if its header counts more records than its bytes can hold", () => {
    const packet = Pkarr.encode(id, { relayUrl: undefined, direct: ["203.0.114.5:4433"] })!
    for (const offset of [4, 6, 8, 10]) {
      const counted = packet.slice()
      new DataView(counted.buffer).setUint16(offset, 0xffff)
      // dns-packet itself reads 65,535 records of nothing, for 30 ms and more.
      assert.isUndefined(Pkarr.decode(id, counted))
    }
  })

  it("is written byte for byte as iroh writes it", () => {
    for (const { dns_packet, endpoint_id } of vectors.cases) {
      const endpoint = EndpointId.fromBytes(Bytes.fromHex(endpoint_id))
      const strings = Pkarr.decodeTxt(endpoint, Bytes.fromHex(dns_packet))!
      assert.strictEqual(Bytes.toHex(Pkarr.encodeTxt(endpoint, strings)!), dns_packet)
    }
  })
})
