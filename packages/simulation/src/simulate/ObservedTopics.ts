/** Observes what instances do in their topics, without changing it: joins, neighbours and messages, for the log and the figures. */
import { type Topic, type TopicEvent, TopicTracker } from "@topic-tracker/core"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Layer, Stream } from "effect"
import type { WorldTime } from "../environment/WorldTime.ts"
import { meanOf, type Spans, spansOf } from "../world/distribution.ts"
import { NeighborGraph } from "../world/NeighborGraph.ts"
import type { TopicLog } from "../world/TopicLog.ts"

/** Events that wait for the observer: it never waits itself. */
const CAPACITY = 65_536

/** Characters of a message in the log. */
const SHOWN = 60

/**
 * What was seen of one topic.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedTopicFigures {
  /** The instances that have it open at the end. */
  readonly members: number
  /** Milliseconds from each instance's join to its first neighbour. */
  readonly joined_ms: Spans
  /** Instances that have it open at the end and never had a neighbour. */
  readonly never_joined: number
  /** Connected parts of the neighbour graph at the end: 1 if all members are one swarm. */
  readonly parts_at_end: number
  readonly degree: { readonly mean: number; readonly min: number; readonly max: number }
  /** Messages that arrived, summed over the instances. */
  readonly received: number
}

class ObservedTopic {
  readonly graph = new NeighborGraph()
  readonly joinedAfter = new Map<number, number>()
  received = 0
}

export class ObservedTopics {
  readonly #time: WorldTime
  readonly #log: TopicLog
  readonly #topics = new Map<string, ObservedTopic>()
  readonly #instances = new Map<EndpointId.EndpointId, number>()
  readonly #open = new Map<number, Set<Topic.Topic>>()
  /** The counters of topics that are closed, summed. */
  readonly #past: Record<string, number> = {}

  constructor(time: WorldTime, log: TopicLog) {
    this.#time = time
    this.#log = log
  }

  addInstance(index: number, endpointId: EndpointId.EndpointId): void {
    this.#instances.set(endpointId, index)
  }

  removeInstance(index: number): void {
    for (const { graph } of this.#topics.values()) graph.removeNode(index)
  }

  /** The tracker of an instance, observed. */
  layer(index: number): Layer.Layer<TopicTracker, never, TopicTracker> {
    return Layer.effect(
      TopicTracker,
      Effect.map(TopicTracker, (tracker): TopicTracker["Service"] => ({
        endpointId: tracker.endpointId,
        views: tracker.views,
        opened: tracker.opened,
        openTopics: tracker.openTopics,
        join: (options) =>
          Effect.suspend(() => {
            const start = this.#time.now
            return Effect.tap(tracker.join(options), (topic) => this.#observe(index, topic, start))
          }),
        joinNoWait: (options) =>
          Effect.suspend(() => {
            const start = this.#time.now
            return Effect.tap(tracker.joinNoWait(options), (topic) => this.#observe(index, topic, start))
          }),
      })),
    )
  }

  readonly #observe = Effect.fnUntraced({ self: this }, function* (index: number, topic: Topic.Topic, start: number) {
    const open = this.#open.get(index) ?? new Set()
    this.#open.set(index, open)
    if (open.has(topic)) return
    open.add(topic)
    const { id } = topic
    const key = String(id)
    const known = this.#topics.get(key)
    const observed = known ?? new ObservedTopic()
    if (known === undefined) this.#topics.set(key, observed)
    const number = [...this.#topics.keys()].indexOf(key)
    const within = number === 0 ? "" : ` in topic ${number}`
    observed.graph.addNode(index)
    yield* Effect.addFinalizer(() =>
      Effect.map(topic.stats, (stats) => {
        for (const [name, value] of Object.entries(stats)) this.#past[name] = (this.#past[name] ?? 0) + Number(value)
        open.delete(topic)
        observed.graph.removeNode(index)
        this.#log.addLine(this.#time.now, index, `closes its topic${within}`)
      }),
    )
    const up = (peer: EndpointId.EndpointId): void => {
      observed.graph.addNeighbor(index, this.#instances.get(peer) ?? -1)
      if (!observed.joinedAfter.has(index)) observed.joinedAfter.set(index, this.#time.now - start)
      this.#log.addLine(this.#time.now, index, `up ${this.#nameOf(peer)}${within}`)
    }
    for (const peer of yield* topic.neighbors) up(peer)
    const events = yield* topic.subscribe({ capacity: CAPACITY, replay: false })
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) => Effect.sync(() => this.#record(index, observed, event, up, within))),
    )
  })

  #record(
    index: number,
    observed: ObservedTopic,
    event: TopicEvent,
    up: (peer: EndpointId.EndpointId) => void,
    within: string,
  ): void {
    if (event._tag === "NeighborUp") up(event.peer)
    else if (event._tag === "NeighborDown") {
      observed.graph.removeNeighbor(index, this.#instances.get(event.peer) ?? -1)
      this.#log.addLine(this.#time.now, index, `down ${this.#nameOf(event.peer)} ${event.reason}${within}`)
    } else if (event._tag === "Message") {
      observed.received++
      const text =
        event.text === undefined ? `${event.content.length} bytes` : JSON.stringify(event.text.slice(0, SHOWN))
      const from = `from ${this.#nameOf(event.deliveredFrom)} after ${event.round} hops`
      this.#log.addLine(this.#time.now, index, `receives ${text} ${from}${within}`)
    }
  }

  /** The instance's number. */
  #nameOf(peer: EndpointId.EndpointId): string {
    return String(this.#instances.get(peer) ?? peer)
  }

  /** The figures of each topic, in the order in which they were first opened. */
  figures(): ReadonlyArray<SimulatedTopicFigures> {
    return [...this.#topics.values()].map(({ graph, joinedAfter, received }) => {
      const nodes = graph.nodes()
      const degrees = graph.degrees()
      return {
        members: nodes.length,
        joined_ms: spansOf([...joinedAfter.values()]),
        never_joined: nodes.filter((node) => !joinedAfter.has(node)).length,
        parts_at_end: graph.components(),
        degree: {
          mean: meanOf(degrees),
          min: degrees.length === 0 ? 0 : Math.min(...degrees),
          max: degrees.length === 0 ? 0 : Math.max(...degrees),
        },
        received,
      }
    })
  }

  /** The counters of all topics, summed: see TopicStats in core. */
  readonly counters = Effect.gen({ self: this }, function* () {
    const sum = { ...this.#past }
    for (const topics of this.#open.values()) {
      for (const topic of topics) {
        for (const [name, value] of Object.entries(yield* topic.stats)) sum[name] = (sum[name] ?? 0) + Number(value)
      }
    }
    return sum
  })
}
