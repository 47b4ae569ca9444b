/** What the page keeps of the past: rates from counters, and bounds. */
import type { DhtStats, GossipStats } from "@topic-tracker/core"
import { assert, describe, it } from "vitest"
import { LogLines, Recorder } from "../src/Recorder.ts"

/** Counters that are all the same, except for some. */
const stats = <A>(names: ReadonlyArray<string>, value: number, others: Partial<A>): A =>
  ({ ...Object.fromEntries(names.map((name) => [name, value])), ...others }) as A

const dhtNames =
  "packetsSent packetsReceived packetsMalformed queriesServed queriesLimited answersLimited itemsInvalid itemsDropped sourcesDoubted"
const gossipNames =
  "messagesIn messagesOut bytesIn bytesOut malformedStreams droppedMessages forgedPayloads throttled droppedNames droppedAnnouncements droppedGrafts rejectedPayloads ignoredPayloads overfullConnections replacedConnections refusedStreams refused expelled refusedRequests refusedHandshakes addressesDropped"

const counters = (value: number, dht: Partial<DhtStats> = {}, gossip: Partial<GossipStats> = {}) => ({
  dht: stats<DhtStats>(dhtNames.split(" "), value, dht),
  gossip: stats<GossipStats>(gossipNames.split(" "), value, gossip),
})

describe("Recorder", () => {
  it("gives rates a second, from the second sample on", () => {
    const recorder = new Recorder()
    recorder.addSample(counters(0), [], 1_000)
    assert.lengthOf(recorder.samples, 0)
    const path = { peer: "a", isRelayed: false, remoteAddress: "192.0.2.1:1", rttMs: 7 } as never
    recorder.addSample(
      counters(0, { packetsSent: 30, packetsMalformed: 4 }, { messagesIn: 10, forgedPayloads: 2 }),
      [path],
      3_000,
    )
    const [sample] = recorder.samples
    assert.deepInclude(sample, { at: 3_000, messagesIn: 5, messagesOut: 0, dhtQueries: 15, rtt: { a: 7 } })
    assert.strictEqual(sample?.dropped.malformed, 3)
    assert.strictEqual(sample?.dropped["wrong signature"], 0)
  })

  it("keeps five minutes", () => {
    const recorder = new Recorder()
    for (let second = 0; second <= 400; second++) recorder.addSample(counters(second), [], second * 1_000)
    assert.lengthOf(recorder.samples, 300)
    assert.strictEqual(recorder.samples.at(-1)?.at, 400_000)
  })

  it("keeps how a topic joined, and what came last", () => {
    const recorder = new Recorder()
    for (let i = 0; i < 1_000; i++)
      recorder.addActivity("t", { at: i, level: "info", text: `line ${i}` }, i === 3 ? 289 : undefined)
    const { joinedMs, lines } = recorder.timelineOf("t")
    assert.strictEqual(joinedMs, 289)
    assert.lengthOf(lines, 100)
    assert.deepStrictEqual([lines[0]?.at, lines[39]?.at, lines[40]?.at, lines.at(-1)?.at], [0, 39, 940, 999])
  })

  it("cuts long lines, and keeps the last 200 of the log", () => {
    const log = new LogLines()
    for (let i = 0; i < 500; i++) log.add({ at: i, level: "bad", text: "x".repeat(1_000) })
    assert.lengthOf(log.lines, 200)
    assert.strictEqual(log.lines[0]?.at, 300)
    assert.strictEqual(log.lines[0]?.text.length, 301)
  })
})
