/** When the hosts that name silent nodes lose their credit: one after another, or many at once on one private host. */
import { assert, describe, it } from "@effect/vitest"
import { addressNumber } from "../src/krpc/compactNodes.ts"
import { ipv4 } from "../src/krpc/nodeId.ts"
import { makeCandidate } from "../src/lookup/Candidate.ts"
import { NameSources } from "../src/lookup/NameSources.ts"

const PUBLIC = ipv4("198.41.0.4")!
const HOST = ipv4("10.0.0.1")!
const sourceOn = (host: number, port: number) => addressNumber(host, port)

const namedBy = (source: number) =>
  makeCandidate({ host: "10.1.1.1", port: 1 }, 0, new Uint8Array(20), source, undefined)

describe("a source whose names are silent", () => {
  it("is doubted after eight of them, or twice as many as answered", () => {
    const sources = new NameSources()
    for (let i = 0; i < 7; i++) assert.isFalse(sources.countSilent(namedBy(PUBLIC)))
    for (let i = 0; i < 5; i++) sources.countAnswered(namedBy(PUBLIC))
    for (let i = 0; i < 3; i++) assert.isFalse(sources.countSilent(namedBy(PUBLIC)))
    assert.isTrue(sources.countSilent(namedBy(PUBLIC)))
    assert.isTrue(sources.isDoubted(PUBLIC))
  })

  it("is doubted if those of its private host have named 16 silent nodes together, but no source of another host is", () => {
    const sources = new NameSources()
    sources.countSilent(namedBy(sourceOn(HOST + 1, 1)))
    for (let port = 1; port <= 15; port++) assert.isFalse(sources.countSilent(namedBy(sourceOn(HOST, port))))
    assert.isTrue(sources.countSilent(namedBy(sourceOn(HOST, 16))))
    assert.strictEqual(sources.doubtedCount, 16)
    assert.isTrue(sources.countSilent(namedBy(sourceOn(HOST, 17))))
    assert.isFalse(sources.isDoubted(sourceOn(HOST + 1, 1)))
  })

  it("keeps its credit there while as many names of the host's sources answer", () => {
    const sources = new NameSources()
    for (let port = 1; port <= 20; port++) sources.countAnswered(namedBy(sourceOn(HOST, 100 + port)))
    for (let port = 1; port <= 19; port++) assert.isFalse(sources.countSilent(namedBy(sourceOn(HOST, port))))
    assert.strictEqual(sources.doubtedCount, 0)
    assert.isTrue(sources.countSilent(namedBy(sourceOn(HOST, 20))))
    assert.strictEqual(sources.doubtedCount, 20)
  })

  it("keeps its credit there if a third of its names answer", () => {
    const sources = new NameSources()
    sources.countAnswered(namedBy(sourceOn(HOST, 30)))
    // A late answer of a name whose silence was counted gives credit back.
    const late = namedBy(sourceOn(HOST, 31))
    sources.countSilent(late)
    sources.countAnswered(late)
    for (let port = 1; port <= 24; port++) sources.countSilent(namedBy(sourceOn(HOST, port)))
    assert.strictEqual(sources.doubtedCount, 24)
    for (const port of [30, 31]) {
      for (let i = 0; i < 2; i++) assert.isFalse(sources.countSilent(namedBy(sourceOn(HOST, port))))
      assert.isTrue(sources.countSilent(namedBy(sourceOn(HOST, port))))
    }
  })

  it("is trusted again if late answers show that a third of its names are there", () => {
    const sources = new NameSources()
    const late = Array.from({ length: 8 }, () => namedBy(PUBLIC))
    for (const name of late) sources.countSilent(name)
    assert.isTrue(sources.isDoubted(PUBLIC))
    for (const name of late.slice(0, 2)) sources.countAnswered(name)
    assert.isTrue(sources.isDoubted(PUBLIC))
    sources.countAnswered(late[2]!)
    assert.isFalse(sources.isDoubted(PUBLIC))
    assert.strictEqual(sources.doubtedCount, 0)
  })

  it("has no more open queries than it may leave unanswered", () => {
    const sources = new NameSources()
    const placesOf = (source: number) => {
      const places = new Map<number, number>()
      return Array.from({ length: 32 }, () => sources.takePlace(namedBy(source), places)).filter((taken) => taken)
        .length
    }
    assert.strictEqual(placesOf(PUBLIC), 8)
    for (let i = 0; i < 3; i++) sources.countSilent(namedBy(PUBLIC))
    assert.strictEqual(placesOf(PUBLIC), 5)
    sources.countAnswered(namedBy(PUBLIC))
    assert.strictEqual(placesOf(PUBLIC), 7)
    for (let port = 1; port <= 16; port++) sources.countSilent(namedBy(sourceOn(HOST, port)))
    assert.strictEqual(placesOf(sourceOn(HOST, 30)), 1)
    assert.strictEqual(placesOf(sourceOn(HOST + 1, 30)), 8)
  })
})
