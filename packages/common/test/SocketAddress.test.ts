import { assert, describe, it } from "@effect/vitest"
import { SocketAddress } from "../src/index.ts"

const reaches: ReadonlyArray<readonly [text: string, reach: SocketAddress.Reach]> = [
  ["8.8.8.8:53", "public"],
  ["[2606:4700::1]:443", "public"],
  ["[::ffff:8.8.8.8]:53", "public"],
  ["[2002:808:808::1]:53", "public"],
  ["10.1.2.3:1", "private"],
  ["172.16.0.1:1", "private"],
  ["172.31.255.255:1", "private"],
  ["172.32.0.1:1", "public"],
  ["192.168.1.1:1", "private"],
  ["100.64.0.1:1", "private"],
  ["[fd00::1]:1", "private"],
  ["[::ffff:10.0.0.1]:1", "private"],
  ["[2002:a00:1::1]:53", "private"],
  ["169.254.169.254:80", "link-local"],
  ["[fe80::1]:1", "link-local"],
  ["127.0.0.1:65535", "loopback"],
  ["127.0.0.1:1", "loopback"],
  ["127.0.0.1:0", "none"],
  ["127.255.0.1:1", "loopback"],
  ["[::1]:1", "loopback"],
  ["[::ffff:127.0.0.1]:1", "loopback"],
  ["0.0.0.0:1", "none"],
  ["0.1.2.3:1", "none"],
  ["224.0.0.251:5353", "none"],
  ["255.255.255.255:9", "none"],
  ["192.0.2.1:1", "none"],
  ["192.0.0.1:1", "none"],
  ["198.18.0.1:1", "none"],
  ["198.51.100.1:1", "none"],
  ["203.0.113.1:1", "none"],
  ["[::]:1", "none"],
  ["[ff02::1]:1", "none"],
  ["[2001:db8::1]:1", "none"],
  ["[2001:1::1]:1", "none"],
  ["[3fff::1]:1", "none"],
  ["[4000::1]:1", "none"],
  ["8.8.8.8:0", "none"],
  ["localhost:1", "none"],
]

describe("SocketAddress", () => {
  for (const [text, reach] of reaches) {
    it(`${text} is ${reach}`, () => assert.strictEqual(SocketAddress.reachOfText(text), reach))
  }

  it("172.32.0.0 and 100.128.0.0 are outside of the private ranges", () => {
    assert.strictEqual(SocketAddress.reachOfText("172.32.0.1:1"), "public")
    assert.strictEqual(SocketAddress.reachOfText("100.128.0.1:1"), "public")
  })

  it("writes an address in one form only", () => {
    assert.strictEqual(SocketAddress.canonical("[2606:4700:0:0:0:0:0:1]:1"), "[2606:4700::1]:1")
    assert.strictEqual(SocketAddress.canonical("1.2.3.4:65535"), "1.2.3.4:65535")
    assert.strictEqual(SocketAddress.canonical("[2001:0DB8:0:0::1]:5"), "[2001:db8::1]:5")
    assert.strictEqual(SocketAddress.canonical("001.2.3.4:05"), "1.2.3.4:5")
    for (const text of [
      "1.2.3.4",
      "1.2.3.256:1",
      "1.2.3.4:65536",
      "[1.2.3.4]:1",
      "::1:1",
      "[::1%eth0]:1",
      "example.org:1",
      "",
      "1.2.3:1",
      "1.2.3.4:1 ",
      "[::1",
      "[:::]:1",
      "a:1",
    ])
      assert.isUndefined(SocketAddress.canonical(text), text)
  })

  it("orders IPv4 before IPv6, then by bytes, then by port", () => {
    const texts = ["1.2.3.4:1", "1.2.3.4:2", "9.0.0.1:1", "[::1]:1", "[2606::1]:1"]
    const sorted = [...texts].reverse().map((text) => SocketAddress.parse(text)!)
    assert.deepStrictEqual(sorted.sort(SocketAddress.compare).map(SocketAddress.format), texts)
  })
})
