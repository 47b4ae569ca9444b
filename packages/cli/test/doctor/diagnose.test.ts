/** The findings of the command `doctor` from given facts. The prepared situations are in host.test.ts and topic.test.ts. */
import { assert, describe, it } from "vitest"
import { diagnoseHost, diagnoseNode, diagnoseTopic } from "../../src/doctor/diagnose.ts"
import type { HostFacts, TopicFacts } from "../../src/doctor/Facts.ts"

const host: HostFacts = {
  isLoopback: false,
  ipv4: ["192.0.2.7"],
  ipv6: [],
  port: { number: 0, error: undefined },
  names: [],
  dht: { asked: 4, answered: 4, seenAs: ["192.0.2.7:1000"] },
  clock: undefined,
}

const topic: TopicFacts = {
  access: "open",
  isJoined: false,
  isOtherAccess: false,
  isClockRefused: false,
  clockAheadMinutes: undefined,
  records: 0,
  unopened: 0,
  garbage: 0,
  dials: 0,
  seconds: 15,
}

const wrong = (checks: ReadonlyArray<{ readonly name: string; readonly ok: boolean }>) =>
  checks.filter(({ ok }) => !ok).map(({ name }) => name)

describe("diagnoseHost", () => {
  it("one name of several is enough", () => {
    const names = [
      { name: "a.example", found: ["192.0.2.1"] },
      { name: "b.example", found: "ENOTFOUND" },
    ]
    const dns = diagnoseHost({ ...host, names }).find(({ name }) => name === "dns")
    assert.deepInclude(dns, { ok: true, found: "1 of 2 names of bootstrap nodes resolve; not b.example (ENOTFOUND)" })
  })

  it("a host without any address says only that", () => {
    assert.deepStrictEqual(wrong(diagnoseHost({ ...host, ipv4: [], dht: { asked: 4, answered: 0, seenAs: [] } })), [
      "network",
    ])
  })

  it("names that do not resolve explain why no node answered", () => {
    const names = [{ name: "a.example", found: "EAI_AGAIN" }]
    assert.deepStrictEqual(wrong(diagnoseHost({ ...host, names, dht: { asked: 0, answered: 0, seenAs: [] } })), ["dns"])
  })

  it.each([
    { aheadMillis: 29_000, ok: true, found: "within 29 s of time.example" },
    { aheadMillis: -31_000, ok: false, found: "this host's clock is 31 s behind time.example" },
    { aheadMillis: 180_000, ok: false, found: "this host's clock is 180 s ahead of time.example" },
    { aheadMillis: undefined, ok: true, found: "not compared: the time server time.example does not answer" },
  ])("a clock that is ahead by $aheadMillis ms", ({ aheadMillis, found, ok }) => {
    const checks = diagnoseHost({ ...host, clock: { server: "time.example", aheadMillis } })
    assert.deepInclude(
      checks.find(({ name }) => name === "clock"),
      { ok, found },
    )
  })

  it("a port that needs rights has other advice than one in use", () => {
    const adviceFor = (error: string) => diagnoseHost({ ...host, port: { number: 80, error } })[1]?.advice
    assert.strictEqual(adviceFor("EACCES"), "Choose a port above 1023.")
    assert.include(adviceFor("EADDRINUSE"), "sport = :80")
  })
})

describe("diagnoseNode", () => {
  const behind = { ...host, dht: { asked: 4, answered: 4, seenAs: ["192.0.2.7:1000", "192.0.2.7:1001"] } }

  it("a symmetric NAT is in the way only without a relay", () => {
    assert.deepStrictEqual(wrong(diagnoseNode({ stored: 8, relay: "off" }, behind)), ["nat"])
    assert.deepStrictEqual(wrong(diagnoseNode({ stored: 8, relay: undefined }, behind)), ["nat"])
    assert.deepStrictEqual(wrong(diagnoseNode({ stored: 8, relay: "https://relay.example/" }, behind)), [])
  })

  it("on loopback there is no NAT", () => {
    const names = diagnoseNode({ stored: 8, relay: "off" }, { ...behind, isLoopback: true }).map(({ name }) => name)
    assert.deepStrictEqual(names, ["storage"])
  })
})

describe("diagnoseTopic", () => {
  it("an empty topic is no fault", () => {
    assert.deepStrictEqual(wrong(diagnoseTopic(topic)), [])
    assert.include(diagnoseTopic(topic).at(-1)?.found, "no node of this topic was found within 15 s")
  })

  it("records that open, and dials without an answer: the way is closed", () => {
    assert.deepStrictEqual(wrong(diagnoseTopic({ ...topic, records: 2, dials: 3 })), ["members"])
  })

  it("few items that do not open are another secret, many are strangers too", () => {
    assert.deepStrictEqual(wrong(diagnoseTopic({ ...topic, unopened: 3 })), ["secret"])
    assert.deepStrictEqual(wrong(diagnoseTopic({ ...topic, unopened: 12 })), ["secret", "slot"])
    assert.deepStrictEqual(wrong(diagnoseTopic({ ...topic, unopened: 12, isJoined: true })), ["slot"])
  })

  it("the clock of a member, and a door that was closed because of it", () => {
    assert.include(diagnoseTopic({ ...topic, clockAheadMinutes: 3, isJoined: true })[0]?.found, "3 minutes ahead of")
    assert.deepStrictEqual(wrong(diagnoseTopic({ ...topic, isClockRefused: true })), ["clock"])
  })
})
