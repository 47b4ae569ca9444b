/** The addresses that other nodes give: what of them is dialled, and what is remembered. */
import { assert, describe, it } from "@effect/vitest"
import type { EndpointId } from "@topic-tracker/crypto"
import { Result } from "effect"
import {
  AddressPolicy,
  type AddressPolicyOptions,
  type EndpointAddress,
  isRelayUrl,
  Protocol,
} from "../../src/index.ts"
import { AddressBudget } from "../../src/transport/address/AddressBudget.ts"
import { LearnedAddresses } from "../../src/transport/address/LearnedAddresses.ts"

const at = (...direct: ReadonlyArray<string>): EndpointAddress => ({ relayUrl: undefined, direct })

const networkInterface = (cidr: string, internal = false) => ({
  address: cidr.split("/")[0]!,
  netmask: "",
  family: cidr.includes(":") ? ("IPv6" as const) : ("IPv4" as const),
  mac: "",
  internal,
  cidr,
  scopeid: 0,
})

const policyOf = (options: Partial<AddressPolicyOptions> = {}) =>
  new AddressPolicy({
    isLoopback: false,
    allowPrivate: false,
    relays: [],
    interfaces: () => ({
      lo: [networkInterface("127.0.0.1/8", true)],
      eth0: [networkInterface("192.168.7.5/24"), networkInterface("fd00:1:2:3::5/64"), networkInterface("5.6.7.8/29")],
    }),
    now: () => 0,
    ...options,
  })

describe("AddressPolicy", () => {
  const dropped = [
    ...["224.0.0.251:5353", "239.1.1.1:1", "255.255.255.255:9", "0.0.0.0:1", "[::]:1", "[ff02::1]:1", "1.1.1.1:0"],
    ...["169.254.169.254:80", "[fe80::1]:1", "192.0.2.1:1", "240.0.0.1:1", "host:1", "", "[::ffff:224.0.0.1]:1"],
    // The broadcast addresses of our own subnets.
    ...["192.168.7.255:1", "5.6.7.15:1", "[::ffff:192.168.7.255]:1"],
  ]

  it("drops addresses that are no host, or a host of this link only, in all situations", () => {
    for (const options of [
      {},
      { isLoopback: true },
      { allowPrivate: true },
      { isLoopback: true, allowPrivate: true },
    ]) {
      const policy = policyOf(options)
      assert.deepStrictEqual(policy.usable(at(...dropped)), at())
      assert.strictEqual(policy.dropped, dropped.length)
    }
  })

  it("allows public addresses, also those next to our own", () => {
    const direct = ["1.1.1.1:1", "[2606:4700::1]:65535", "5.6.7.9:1", "192.0.1.255:1"]
    assert.deepStrictEqual(policyOf().usable(at(...direct)), at(...direct))
  })

  it("allows loopback only if the endpoint is bound to it", () => {
    const direct = ["127.0.0.1:53", "127.9.9.9:1", "[::1]:1"]
    assert.deepStrictEqual(policyOf({ allowPrivate: true }).usable(at(...direct)), at())
    assert.deepStrictEqual(policyOf({ isLoopback: true }).usable(at(...direct)), at(...direct))
  })

  it("allows private addresses of our own subnets, and others on request", () => {
    const ours = ["192.168.7.1:1", "[fd00:1:2:3:ffff::1]:1"]
    const others = [
      "192.168.8.1:1",
      "192.168.1.1:80",
      "10.0.0.1:1",
      "100.64.0.1:1",
      "[fd00:1:2:4::1]:1",
      "172.16.0.1:1",
    ]
    assert.deepStrictEqual(policyOf().usable(at(...ours, ...others)), at(...ours))
    assert.deepStrictEqual(policyOf({ allowPrivate: true }).usable(at(...ours, ...others)), at(...ours, ...others))
  })

  it("reads the interfaces again after 5 s", () => {
    let now = 0
    let reads = 0
    const subnets = ["10.1.0.2/16", "10.2.0.2/16"]
    const interfaces = () => ({ eth0: [networkInterface(subnets[Math.min(reads++, 1)]!)] })
    const policy = policyOf({ interfaces, now: () => now })
    const direct = ["10.1.9.9:1", "10.2.9.9:1"]
    for (; now < 5_000; now += 100) assert.deepStrictEqual(policy.usable(at(...direct)), at("10.1.9.9:1"))
    assert.deepStrictEqual(policy.usable(at(...direct)), at("10.2.9.9:1"))
    assert.strictEqual(reads, 2)
  })

  it("gives each address once in canonical form, at most 16", () => {
    const twice = at("[::ffff:1.1.1.1]:1", "1.1.1.1:1", "[2606:4700:0:0::0:1]:1", "[2606:4700::1]:1")
    assert.deepStrictEqual(policyOf().usable(twice), at("1.1.1.1:1", "[2606:4700::1]:1"))
    const many = Array.from({ length: 500 }, (_, i) => `1.1.1.1:${i + 1}`)
    assert.deepStrictEqual(policyOf().usable(at(...dropped, ...many)), at(...many.slice(0, 16)))
  })

  const relay = (relayUrl: string, options: Partial<AddressPolicyOptions> = {}) =>
    policyOf(options).usable({ relayUrl, direct: [] }).relayUrl === relayUrl

  it("allows relays over https at public hosts", () => {
    for (const url of [
      "https://relay.example/",
      "https://euw1-1.relay.n0.iroh.link./",
      "https://1.1.1.1:8443/",
      "https://[2606:4700::1]/",
    ]) {
      assert.isTrue(relay(url), url)
    }
    for (const url of [
      "http://169.254.169.254/latest/",
      "https://169.254.169.254/",
      "http://relay.example/",
      "file:///etc/passwd",
      "https://127.0.0.1/",
      "https://2130706433/",
      "https://0x7f.1/",
      "https://[::1]/",
      "https://[::ffff:7f00:1]/",
      "https://10.0.0.1/",
      "https://192.168.7.1/",
      "https://localhost/",
      "https://router/",
      "https://printer.local/",
      "https://metadata.google.internal/",
      "https://user:secret@relay.example/",
      `https://relay.example/${"a".repeat(240)}`,
      "no url",
    ]) {
      assert.isFalse(relay(url), url)
      assert.isFalse(relay(url, { allowPrivate: true }), url)
    }
  })

  it("allows relays over http and on loopback if the endpoint is bound to loopback", () => {
    for (const url of ["http://127.0.0.1:3340/", "http://localhost:3340/", "http://relay.example/"]) {
      assert.isTrue(relay(url, { isLoopback: true }), url)
    }
    assert.isFalse(relay("http://10.0.0.1/", { isLoopback: true }))
  })

  it("allows our own relays, whatever they are", () => {
    assert.isTrue(relay("http://10.77.0.9:3340/", { relays: ["http://10.77.0.9:3340"] }))
    assert.isFalse(relay("http://10.77.0.9:3341/", { relays: ["http://10.77.0.9:3340"] }))
  })

  it("drops what PeerData of a stranger may hold", () => {
    const hostile = {
      relayUrl: "http://169.254.169.254/latest/",
      direct: ["127.0.0.1:53", "192.168.1.1:80", "224.0.0.251:5353", "255.255.255.255:9", "0.0.0.0:1", "10.0.0.1:0"],
    }
    const decoded = Protocol.decodePeerData(Protocol.encodePeerData(hostile))
    assert.deepStrictEqual(policyOf().usable(Result.getOrThrow(decoded)), at())
  })
})

describe("a relay's URL", () => {
  it("has at most 256 characters", () => {
    const url = (length: number) => `https://relay.example/${"a".repeat(length - 22)}`
    assert.isTrue(isRelayUrl(url(256)))
    assert.isFalse(isRelayUrl(url(257)))
  })
})

describe("AddressBudget", () => {
  const many = (count: number, net: number) =>
    Array.from({ length: count }, (_, i) => `9.${net}.${i >> 8}.${i & 255}:1`)

  it("admits 256 different addresses in any second, known ones always", () => {
    const budget = new AddressBudget()
    assert.lengthOf(budget.admit(many(200, 1), false, 0), 200)
    assert.deepStrictEqual(budget.admit(many(100, 2), false, 500), many(56, 2))
    assert.lengthOf(budget.admit(many(200, 1), false, 600), 200)
    assert.lengthOf(budget.admit(many(256, 3), false, 999), 0)
    // Those of the first list were dialled again at 600.
    assert.lengthOf(budget.admit(many(256, 3), false, 1_500), 56)
    assert.lengthOf(budget.admit(many(256, 4), false, 1_600), 200)
  })

  it("leaves half of them for dials that are wanted", () => {
    const budget = new AddressBudget()
    assert.lengthOf(budget.admit(many(400, 1), true, 0), 128)
    assert.lengthOf(budget.admit(many(400, 2), false, 0), 128)
    assert.lengthOf(budget.admit(many(400, 3), true, 1_000), 128)
  })
})

describe("LearnedAddresses", () => {
  const peer = (n: number) => `${n}` as EndpointId.EndpointId

  it("remembers an address that is news", () => {
    const learned = new LearnedAddresses()
    assert.isTrue(learned.learn(peer(1), at("1.1.1.1:1"), "own", 0))
    assert.isFalse(learned.learn(peer(1), at("1.1.1.1:1"), "own", 59_999))
    assert.isTrue(learned.learn(peer(1), at("1.1.1.1:1"), "own", 60_000))
    assert.isTrue(learned.learn(peer(1), at("2.2.2.2:2"), "own", 60_001))
    assert.isFalse(learned.learn(peer(1), at(), "own", 60_002))
    assert.deepStrictEqual(learned.get(peer(1), "own"), at("2.2.2.2:2"))
  })

  it("keeps a peer's own words apart from hearsay, which neither replaces nor pushes them out", () => {
    const learned = new LearnedAddresses()
    learned.learn(peer(1), at("1.1.1.1:1"), "own", 0)
    for (let i = 1; i < 5_000; i++) learned.learn(peer(i), at("6.6.6.6:6"), "hearsay", i)
    learned.learn(peer(1), at("6.6.6.6:6"), "hearsay", 6_000)
    assert.deepStrictEqual(learned.get(peer(1), "own"), at("1.1.1.1:1"))
    assert.deepStrictEqual(learned.get(peer(1), "hearsay"), at("6.6.6.6:6"))
  })

  it("bounds the number of peers", () => {
    const learned = new LearnedAddresses()
    for (let i = 0; i < 2_000; i++) learned.learn(peer(i), at("1.1.1.1:1"), "own", 0)
    assert.isUndefined(learned.get(peer(975), "own"))
    assert.isDefined(learned.get(peer(976), "own"))
  })
})
