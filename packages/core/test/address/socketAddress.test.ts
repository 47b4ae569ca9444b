import { assert, describe, it } from "@effect/vitest"
import { canonical, reach } from "../../src/address/socketAddress.ts"

describe("a socket address", () => {
  it.each([
    ["203.0.113.7:4000", "global"],
    ["[2001:db8::1]:4000", "global"],
    ["[::ffff:203.0.113.7]:1", "global"],
    ["172.32.0.1:1", "global"],
    ["10.1.2.3:1", "private"],
    ["172.16.0.1:1", "private"],
    ["192.168.1.1:1", "private"],
    ["169.254.1.1:1", "private"],
    ["100.64.0.1:1", "private"],
    ["[fd00::1]:1", "private"],
    ["[::ffff:10.0.0.1]:1", "private"],
    ["127.0.0.1:65535", "loopback"],
    ["[::1]:1", "loopback"],
    ["127.0.0.1:0", "none"],
    ["0.0.0.0:1", "none"],
    ["224.0.0.1:1", "none"],
    ["[::]:1", "none"],
    ["[ff02::1]:1", "none"],
    ["[fe80::1]:1", "none"],
  ])("%s reaches %s", (text, expected) => {
    assert.strictEqual(reach(text), expected)
  })

  it.each([
    "",
    "1.2.3.4",
    "1.2.3:1",
    "256.0.0.1:1",
    "1.2.3.4:65536",
    "1.2.3.4:1 ",
    "[::1",
    "[:::]:1",
    "::1:1",
    "a:1",
    "[fe80::1%1]:1",
  ])("%j is none", (text) => {
    assert.isUndefined(canonical(text))
    assert.strictEqual(reach(text), "none")
  })

  it("has one canonical form", () => {
    assert.strictEqual(canonical("[2001:0DB8:0:0::1]:5"), "[2001:db8::1]:5")
    assert.strictEqual(canonical("001.2.3.4:05"), "1.2.3.4:5")
  })
})
