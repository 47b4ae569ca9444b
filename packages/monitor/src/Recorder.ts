/**
 * Keeps what a page shows of the past: a sample each second for five minutes, the time line of each topic, and the last lines of the log. It
 * knows no service and no clock.
 */
import { BoundedMap } from "@topic-tracker/common"
import {
  type DhtStats,
  type GossipStats,
  type LatencyCounts,
  LatencyHistogram,
  type PeerPath,
} from "@topic-tracker/core"
import { Latencies } from "./Latencies.ts"
import type { LatencyState, Line, Sample } from "./MonitorState.ts"

const MAX_SAMPLES = 300
const MAX_LINES = 200
/** Lines of one topic: the first ones tell how it joined. */
const FIRST_LINES = 40
const LAST_LINES = 60
const MAX_MEMBER_CHANGES = 100
const MAX_TOPICS = 64
/** Longer lines are cut: some have text of other nodes. */
const MAX_LINE = 300

/** Counters of what was refused or dropped, each with its words for people. */
const DROPPED: ReadonlyArray<
  readonly [name: string, dht: ReadonlyArray<keyof DhtStats>, gossip: ReadonlyArray<keyof GossipStats>]
> = [
  ["malformed", ["packetsMalformed"], ["malformedStreams", "droppedMessages", "forgedPayloads"]],
  [
    "over a rate",
    ["queriesLimited", "answersLimited"],
    ["throttled", "droppedNames", "droppedAnnouncements", "droppedGrafts"],
  ],
  ["wrong signature", ["itemsInvalid"], ["rejectedPayloads", "ignoredPayloads"]],
  ["no room", ["itemsDropped"], ["overfullConnections", "replacedConnections", "refusedStreams"]],
  [
    "refused peers",
    ["sourcesDoubted"],
    ["refused", "expelled", "refusedRequests", "refusedHandshakes", "addressesDropped"],
  ],
]

/** The counters of a node so far. */
export interface Counters {
  readonly dht: DhtStats
  readonly gossip: GossipStats
  /** All times so far, by their kind; without the round trips, which come with the paths. */
  readonly latencies: Readonly<Record<string, LatencyCounts>>
}

interface Timeline {
  readonly lines: Array<Line>
  /** The peer of each line about a refusal. */
  readonly refusals: Map<Line, string>
  readonly memberChanges: Array<Line>
  joinedMs: number | undefined
}

export class Recorder {
  readonly samples: Array<Sample> = []
  readonly #timelines = new BoundedMap<string, Timeline>(MAX_TOPICS)
  readonly #latencies = new Latencies()
  readonly #roundTrips = new LatencyHistogram()
  #last: (Counters & { readonly at: number }) | undefined

  /** Adds the second that has passed. `at` is in ms since 1970. */
  addSample(counters: Counters, paths: ReadonlyArray<PeerPath>, at: number): void {
    const { dht, gossip } = counters
    const last = this.#last
    this.#last = { ...counters, at }
    const rtt = Object.fromEntries(paths.map(({ peer, rttMs }) => [peer, rttMs]))
    const latencies = this.#latencies.add({ roundTrip: this.#roundTrips.now, ...counters.latencies })
    // The first ones have nothing before them that they could be compared with.
    for (const rttMs of Object.values(rtt)) this.#roundTrips.add(rttMs)
    if (last === undefined) return
    const seconds = Math.max(0.001, (at - last.at) / 1_000)
    const rate = (now: number, before: number): number => Math.max(0, (now - before) / seconds)
    const ofGossip = (name: keyof GossipStats) => rate(gossip[name], last.gossip[name])
    const ofDht = (name: keyof DhtStats) => rate(dht[name], last.dht[name])
    const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
    this.samples.push({
      at,
      messagesIn: ofGossip("messagesIn"),
      messagesOut: ofGossip("messagesOut"),
      bytesIn: ofGossip("bytesIn"),
      bytesOut: ofGossip("bytesOut"),
      dhtQueries: ofDht("packetsSent"),
      dhtServed: ofDht("queriesServed"),
      dropped: Object.fromEntries(
        DROPPED.map(([name, fromDht, fromGossip]) => [name, sum([...fromDht.map(ofDht), ...fromGossip.map(ofGossip)])]),
      ),
      rtt,
      latencies,
    })
    if (this.samples.length > MAX_SAMPLES) this.samples.shift()
  }

  /** The latencies of the last five minutes. */
  get latencies(): Readonly<Record<string, LatencyState>> {
    return this.#latencies.state
  }

  /** The topic is open, perhaps again: its time line begins anew. */
  opened(topic: string): void {
    this.#timelines.delete(topic)
  }

  /** The first neighbour came after this time. */
  joined(topic: string, millis: number): void {
    this.timelineOf(topic).joinedMs ??= millis
  }

  /** Adds a line to the time line of a topic. `refused`: the peer, if the line tells of a refusal. */
  addActivity(topic: string, line: Line, refused?: string): void {
    const { lines, refusals } = this.timelineOf(topic)
    const kept = cut(line)
    lines.push(kept)
    if (refused !== undefined) refusals.set(kept, refused)
    if (lines.length > FIRST_LINES + LAST_LINES) for (const gone of lines.splice(FIRST_LINES, 1)) refusals.delete(gone)
  }

  /** Takes away the refusals of peers that are neighbours now: two nodes that start together may knock before the other one's door is there. */
  forgetRefusals(topic: string, neighbors: ReadonlySet<string>): void {
    const { lines, refusals } = this.timelineOf(topic)
    for (const [line, peer] of refusals) {
      if (!neighbors.has(peer)) continue
      refusals.delete(line)
      lines.splice(lines.indexOf(line), 1)
    }
  }

  /** Adds what happened to a member. */
  addMemberChange(topic: string, line: Line): void {
    const { memberChanges } = this.timelineOf(topic)
    memberChanges.push(line)
    if (memberChanges.length > MAX_MEMBER_CHANGES) memberChanges.shift()
  }

  timelineOf(topic: string): Timeline {
    const known = this.#timelines.get(topic)
    if (known !== undefined) return known
    const made: Timeline = { lines: [], refusals: new Map(), memberChanges: [], joinedMs: undefined }
    this.#timelines.set(topic, made)
    return made
  }
}

/** The last lines of the log. */
export class LogLines {
  readonly lines: Array<Line> = []

  add(line: Line): void {
    this.lines.push(cut(line))
    if (this.lines.length > MAX_LINES) this.lines.shift()
  }
}

const cut = (line: Line): Line =>
  line.text.length <= MAX_LINE ? line : { ...line, text: `${line.text.slice(0, MAX_LINE)}…` }
