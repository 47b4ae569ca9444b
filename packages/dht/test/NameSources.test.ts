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

  it("is doubted after two if others of its private host name silent nodes too, but no source of another host is", () => {
    const sources = new NameSources()
    const ports = Array.from({ length: 24 }, (_, i) => i + 1)
    for (let turn = 0; turn < 2; turn++) {
      for (const port of ports) sources.countSilent(namedBy(sourceOn(HOST, port)))
      sources.countSilent(namedBy(sourceOn(HOST + 1, 1)))
    }
    assert.strictEqual(sources.doubtedCount, 24)
    assert.isFalse(sources.isDoubted(sourceOn(HOST + 1, 1)))
  })

  it("keeps its credit there if a third of its names answer", () => {
    const sources = new NameSources()
    for (let port = 1; port <= 24; port++) sources.countSilent(namedBy(sourceOn(HOST, port)))
    for (let i = 0; i < 3; i++) {
      sources.countAnswered(namedBy(sourceOn(HOST, 30)))
      for (let j = 0; j < 2; j++) assert.isFalse(sources.countSilent(namedBy(sourceOn(HOST, 30))))
    }
    // Late answers of names whose silence was counted give credit back.
    const late = namedBy(sourceOn(HOST, 31))
    sources.countSilent(late)
    sources.countAnswered(late)
    assert.isFalse(sources.countSilent(namedBy(sourceOn(HOST, 31))))
    assert.isFalse(sources.countSilent(namedBy(sourceOn(HOST, 31))))
    assert.strictEqual(sources.doubtedCount, 0)
  })
})
