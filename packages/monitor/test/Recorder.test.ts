/** What the page keeps of the past: rates from counters, and bounds. */
import { type DhtStats, type GossipStats, LatencyHistogram } from "@topic-tracker/core"
import { assert, describe, it } from "vitest"
import { percentile } from "../src/Latencies.ts"
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
  latencies: {},
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
    for (let i = 0; i < 1_000; i++) {
      if (i === 3) recorder.joined("t", 289)
      if (i === 500) recorder.joined("t", 1_000)
      recorder.addActivity("t", { at: i, level: "info", text: `line ${i}` })
    }
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

  it("shows only refusals that hold: a peer that is a neighbour later was early", () => {
    const recorder = new Recorder()
    const texts = () => recorder.timelineOf("t").lines.map(({ text }) => text)
    recorder.addActivity("t", { at: 1, level: "bad", text: "refused by a" }, "a")
    recorder.addActivity("t", { at: 2, level: "bad", text: "refused by b" }, "b")
    recorder.addActivity("t", { at: 3, level: "bad", text: "refused by a" }, "a")
    recorder.addActivity("t", { at: 4, level: "good", text: "joined a" })
    recorder.forgetRefusals("t", new Set(["a", "c"]))
    assert.deepStrictEqual(texts(), ["refused by b", "joined a"])
    // Lines that were dropped are not looked for any more.
    for (let i = 0; i < 300; i++) recorder.addActivity("t", { at: 5, level: "bad", text: `by c ${i}` }, "c")
    recorder.forgetRefusals("t", new Set(["c"]))
    assert.deepStrictEqual(texts(), ["refused by b", "joined a"])
    recorder.opened("t")
    assert.deepStrictEqual(texts(), [])
  })

  it("keeps the last hundred changes of members", () => {
    const recorder = new Recorder()
    for (let i = 0; i < 250; i++) recorder.addMemberChange("t", { at: i, level: "good", text: "" })
    assert.deepStrictEqual(
      recorder.timelineOf("t").memberChanges.map(({ at }) => at),
      Array.from({ length: 100 }, (_, i) => 150 + i),
    )
  })

  it("gives percentiles of latencies: those of 15 seconds in a sample, of five minutes in the state", () => {
    const recorder = new Recorder()
    const echo = new LatencyHistogram()
    const path = { peer: "a", isRelayed: false, remoteAddress: "192.0.2.1:1", rttMs: 7 } as never
    const second = (at: number) => recorder.addSample({ ...counters(0), latencies: { echo: echo.now } }, [path], at)
    // Before the first sample: the page does not show it.
    echo.add(9_000)
    second(0)
    for (let i = 0; i < 10; i++) echo.add(3)
    second(1_000)
    assert.deepStrictEqual(recorder.samples.at(-1)?.latencies.echo, { p50: 3, p95: 3.9 })
    for (let at = 2; at <= 17; at++) second(at * 1_000)
    assert.isUndefined(recorder.samples.at(-1)?.latencies.echo, "16 seconds later")
    const { echo: of, roundTrip } = recorder.latencies
    assert.deepInclude(of, { count: 10, p50: 3, p95: 3.9 })
    assert.deepInclude(roundTrip, { count: 17, p50: 6 })
    for (let at = 18; at <= 400; at++) second(at * 1_000)
    assert.deepInclude(recorder.latencies.echo, { count: 0, p50: 0, p95: 0 })
  })

  it("a percentile is spread evenly within its bucket, and is at most the last bound", () => {
    const counts = (...given: ReadonlyArray<number>) => [...given, ...new Array<number>(18 - given.length).fill(0)]
    assert.strictEqual(percentile(counts(), 0.5), 0)
    assert.strictEqual(percentile(counts(4), 0.5), 0.125)
    assert.strictEqual(percentile(counts(0, 0, 1, 1), 0.95), 1.9)
    assert.strictEqual(percentile(counts(...new Array<number>(17).fill(0), 5), 0.95), 16_384)
  })
})
