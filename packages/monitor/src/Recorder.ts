/**
 * Keeps what a page shows of the past: a sample each second for five minutes, the time line of each topic, and the last lines of the log. It
 * knows no service and no clock.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { DhtStats, GossipStats, PeerPath } from "@topic-tracker/core"
import type { Line, Sample } from "./MonitorState.ts"

const MAX_SAMPLES = 300
const MAX_LINES = 200
/** Lines of one topic: the first ones tell how it joined. */
const FIRST_LINES = 40
const LAST_LINES = 60
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

export interface Counters {
  readonly dht: DhtStats
  readonly gossip: GossipStats
}

interface Timeline {
  readonly lines: Array<Line>
  joinedMs: number | undefined
}

export class Recorder {
  readonly samples: Array<Sample> = []
  readonly #timelines = new BoundedMap<string, Timeline>(MAX_TOPICS)
  #last: (Counters & { readonly at: number }) | undefined

  /** Adds the second that has passed. `at` is in ms since 1970. */
  addSample({ dht, gossip }: Counters, paths: ReadonlyArray<PeerPath>, at: number): void {
    const last = this.#last
    this.#last = { dht, gossip, at }
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
      rtt: Object.fromEntries(paths.map(({ peer, rttMs }) => [peer, rttMs])),
    })
    if (this.samples.length > MAX_SAMPLES) this.samples.shift()
  }

  /** Adds a line to the time line of a topic. */
  addActivity(topic: string, line: Line, joinedMs: number | undefined): void {
    const timeline = this.timelineOf(topic)
    timeline.joinedMs ??= joinedMs
    timeline.lines.push(cut(line))
    if (timeline.lines.length > FIRST_LINES + LAST_LINES) timeline.lines.splice(FIRST_LINES, 1)
  }

  timelineOf(topic: string): Timeline {
    const known = this.#timelines.get(topic)
    if (known !== undefined) return known
    const made: Timeline = { lines: [], joinedMs: undefined }
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
