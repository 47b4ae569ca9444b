import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { publishedBeside } from "@topic-tracker/common/testing"
import { Schema } from "effect"
import { decodeNodes, encodeNodes } from "../src/krpc/compactNodes.ts"
import { ipv4, isSecureNodeId, secureNodeId } from "../src/krpc/nodeId.ts"

const published = publishedBeside(import.meta.url)

const bep42 = published(
  "bep42.json",
  Schema.Struct({ cases: Schema.Array(Schema.Struct({ host: Schema.String, id: Schema.String })) }),
).cases

const id = (byte: number) => new Uint8Array(20).fill(byte)

describe("nodeId", () => {
  it.each(bep42)("BEP 42: $host may have the id $id", ({ host, id: hex }) => {
    const given = Bytes.fromHex(hex)
    assert.isTrue(isSecureNodeId(given, host))
    assert.isFalse(isSecureNodeId(given, "8.8.8.8"))
    // The bits that the address does not decide are free, so making the id again from itself changes nothing.
    assert.strictEqual(Bytes.toHex(secureNodeId(host, given)), hex)
    const other = given.slice()
    other[1] = other[1]! ^ 0xff
    assert.strictEqual(Bytes.toHex(secureNodeId(host, other)), hex)
  })

  it("BEP 42: a private address may have any id", () => {
    for (const host of ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.1.1"]) {
      assert.isTrue(isSecureNodeId(id(7), host))
      assert.deepStrictEqual(secureNodeId(host, id(7)), id(7))
    }
  })

  it("decodes compact node info to the same nodes", () => {
    const nodes = [
      { id: id(1), host: "8.8.4.4", port: 1 },
      { id: id(2), host: "9.9.9.255", port: 65535 },
    ]
    assert.deepStrictEqual(decodeNodes(encodeNodes(nodes), "8.8.8.8"), nodes)
  })

  it("leaves out nodes that no packet can reach, and private ones that a public node names", () => {
    const hosts = [
      "0.1.2.3",
      "224.0.0.1",
      "255.255.255.255",
      "192.0.0.1",
      "192.0.2.1",
      "198.18.0.1",
      "198.51.100.1",
      "203.0.113.1",
      "127.0.0.1",
      "10.0.0.1",
      "192.168.0.1",
      "100.64.0.1",
      "169.254.1.1",
      "1.2.3.4",
    ]
    const nodes = [...hosts.map((host) => ({ id: id(1), host, port: 9 })), { id: id(1), host: "1.2.3.4", port: 0 }]
    const compact = encodeNodes(nodes)
    assert.deepStrictEqual(
      decodeNodes(compact, "8.8.8.8").map(({ host }) => host),
      ["1.2.3.4"],
    )
    assert.deepStrictEqual(
      decodeNodes(compact, "127.0.0.1").map(({ host }) => host),
      ["127.0.0.1", "10.0.0.1", "192.168.0.1", "100.64.0.1", "169.254.1.1", "1.2.3.4"],
    )
  })

  it("reads dotted addresses only in canonical form", () => {
    assert.deepStrictEqual(ipv4("1.2.3.255"), 0x010203ff)
    assert.strictEqual(ipv4("255.254.0.1"), 0xfffe0001)
    for (const text of ["1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.4.5", "1.2.3.x", "", "::1", "1.2.3.-4"]) {
      assert.isUndefined(ipv4(text), text)
    }
  })
})
