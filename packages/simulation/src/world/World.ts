/**
 * A world of whole topics: nodes that join one topic with the production tracker, publisher, merges, records, cryptography and
 * gossip, in an environment in memory or of real sockets. It knows how nodes join, leave, crash and broadcast; `run/plan.ts`
 * decides when.
 */
import { type Channel, type ChannelEvent, TopicTracker } from "@topic-tracker/core"
import { type Crypto, type EndpointId, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Clock, Context, Effect, Exit, Layer, Random, Schema, Scope, Stream } from "effect"
import type { Environment } from "../environment/Environment.ts"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import { ChannelLog } from "./ChannelLog.ts"
import { Deliveries } from "./Deliveries.ts"
import { DhtTimes } from "./DhtTimes.ts"
import { NeighborGraph } from "./NeighborGraph.ts"
import { suspendNodes } from "./suspendNodes.ts"
import type { TopicLog } from "./TopicLog.ts"

export const TOPIC_NAME = "simulation"
const SECRET = "the secret of the simulation"

/** No subscriber of the simulation may lose events. */
const SUBSCRIBER_CAPACITY = 65_536

type Topic = Effect.Success<ReturnType<TopicTracker["Service"]["joinNoWait"]>>

/** A node whose services are built and that has not joined. */
interface BuiltNode {
  readonly clock: Clock.Clock
  readonly scope: Scope.Closeable
  readonly services: Context.Context<TopicTracker | Identity>
  readonly skew: number
}

interface Member {
  readonly index: number
  readonly endpointId: EndpointId.EndpointId
  readonly topic: Topic
  readonly clock: Clock.Clock
  /** Undefined if the scenario has none. */
  readonly channel: Channel<string> | undefined
  readonly scope: Scope.Closeable
  readonly startedAt: number
  /** When it last said something in the channel; undefined if it did not. */
  spokeAt: number | undefined
}

export class World {
  readonly graph = new NeighborGraph()
  readonly deliveries = new Deliveries()
  readonly channels = new ChannelLog()
  readonly dhtTimes: DhtTimes
  readonly environment: Environment
  /** Milliseconds from each node's start to its first neighbour, by node. */
  readonly joinedAfter = new Map<number, number>()
  /** For each neighbour of a crashed node: milliseconds from the crash until the neighbour noticed it. */
  readonly crashNoticedAfter: Array<number> = []
  readonly #scenario: TopicScenario
  readonly #time: WorldTime
  readonly #log: TopicLog
  readonly #crypto: Context.Context<Crypto>
  readonly #scope: Scope.Scope
  readonly #members = new Map<number, Member>()
  readonly #prepared = new Map<number, BuiltNode>()
  readonly #indices = new Map<EndpointId.EndpointId, number>()
  readonly #crashedAt = new Map<number, number>()
  /** The counters of nodes that have left, summed. */
  readonly #pastCounters: Record<string, number> = {}
  #startedNodes = 0
  /** Nodes whose topic has joined. */
  readonly #joined = new Set<number>()
  #firstWords = 0
  /** Milliseconds that nodes which have left were there, summed. */
  #pastMs = 0

  private constructor(
    scenario: TopicScenario,
    time: WorldTime,
    log: TopicLog,
    parts: Pick<World, "environment"> & { readonly crypto: Context.Context<Crypto>; readonly scope: Scope.Scope },
  ) {
    this.#scenario = scenario
    this.#time = time
    this.#log = log
    this.environment = parts.environment
    this.#crypto = parts.crypto
    this.#scope = parts.scope
    this.dhtTimes = new DhtTimes(time, parts.environment)
  }

  /** A world without nodes. */
  static readonly make = Effect.fnUntraced(function* (
    scenario: TopicScenario,
    time: WorldTime,
    log: TopicLog,
    environment: Environment,
  ) {
    return new World(scenario, time, log, {
      environment,
      crypto: yield* Layer.build(environment.crypto),
      scope: yield* Effect.scope,
    })
  })

  /** Builds the services of the next nodes, so that `join` takes no time for it. Needed in real time only. */
  prepareNodes(count: number): Effect.Effect<void, Effect.Error<ReturnType<World["join"]>>> {
    const indices = Array.from({ length: count }, (_, i) => this.#startedNodes + i)
    return Effect.map(
      Effect.forEach(indices, (index) => this.#build(index)),
      (nodes) =>
        nodes.forEach((node, i) => {
          this.#prepared.set(indices[i]!, node)
        }),
    )
  }

  /** The nodes that are there. */
  nodes(): ReadonlyArray<number> {
    return this.graph.nodes()
  }

  /** When the node started or last said something in the channel. */
  activeAt(index: number): number {
    const member = this.#members.get(index)
    // A node that is in the graph and no member yet is about to start.
    return member === undefined ? this.#time.now : (member.spokeAt ?? member.startedAt)
  }

  /** A new node starts and joins the topic. Returns its index. */
  readonly join = Effect.fnUntraced({ self: this }, function* () {
    const time = this.#time
    const index = this.#startedNodes++
    const { clock, scope, services, skew } = this.#prepared.get(index) ?? (yield* this.#build(index))
    this.#prepared.delete(index)
    const { endpointId } = Context.get(services, Identity)
    this.environment.addNode(index, endpointId)
    this.#indices.set(endpointId, index)
    this.graph.addNode(index)
    this.#log.addLine(time.now, index, `starts ${endpointId} skew ${skew}`)
    const startedAt = time.now
    const topic = yield* Context.get(services, TopicTracker)
      .joinNoWait({
        topic: TOPIC_NAME,
        secret: SECRET,
        ...(this.#scenario.channel !== undefined && { access: "members" as const }),
      })
      .pipe(Scope.provide(scope), Effect.provideService(Clock.Clock, clock))
    const channel = this.#scenario.channel === undefined ? undefined : yield* this.#openChannel(index, topic, scope)
    const member: Member = { index, endpointId, topic, clock, channel, scope, startedAt, spokeAt: undefined }
    this.#members.set(index, member)
    const events = yield* topic.subscribe({ capacity: SUBSCRIBER_CAPACITY }).pipe(Scope.provide(scope))
    yield* Stream.runForEach(events, (event) => Effect.sync(() => this.#record(member, event))).pipe(
      Effect.forkIn(scope),
    )
    yield* topic.joined.pipe(Effect.andThen(this.#whenJoined(member)), Effect.ignore, Effect.forkIn(scope))
    return index
  })

  readonly #openChannel = Effect.fnUntraced(
    { self: this },
    function* (index: number, topic: Topic, scope: Scope.Closeable) {
      const channel = yield* topic
        .channel("simulation", Schema.String, { capacity: SUBSCRIBER_CAPACITY })
        .pipe(Effect.orDie, Scope.provide(scope))
      yield* Stream.runForEach(channel.events, (event) => Effect.sync(() => this.#recordChannel(index, event))).pipe(
        Effect.forkIn(scope),
      )
      return channel
    },
  )

  /** A node that comes later says its first words at once, and another one says something to it. */
  #whenJoined(member: Member): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#joined.add(member.index)
      const { channel, nodes } = this.#scenario
      if (channel?.firstWords !== true || member.index < nodes) return
      const others = [...this.#joined].filter((index) => index !== member.index && this.#members.has(index))
      const other = others[yield* Random.nextIntBetween(0, others.length, { halfOpen: true })]
      yield* Effect.forkIn(this.say(member.index, `first${this.#firstWords++}`, channel.bytes), member.scope)
      if (other !== undefined) yield* this.say(other, `first${this.#firstWords++}`, channel.bytes)
    })
  }

  /** The node says a message of this size in the channel, to all nodes that have joined. */
  say(index: number, name: string, bytes: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const member = this.#members.get(index)
      if (member?.channel === undefined) return Effect.void
      member.spokeAt = this.#time.now
      const to = [...this.#joined].filter((node) => this.#members.has(node))
      this.channels.recordSaid(name, this.#time.now, index, to)
      this.#log.addLine(this.#time.now, index, `says ${name}`)
      return Effect.ignore(member.channel.publish(`${name} `.padEnd(bytes, ".")))
    })
  }

  #recordChannel(index: number, event: ChannelEvent<string>): void {
    const now = this.#time.now
    if (event._tag === "Received") {
      const name = event.value.split(" ", 1)[0] ?? ""
      this.#log.addLine(now, index, `hears ${name}`)
      this.channels.recordHeard(name, now, index, event)
    } else if (event._tag === "Missed") {
      this.#log.addLine(now, index, `missed ${event.to - event.from + 1} of ${this.#indices.get(event.author)}`)
      this.channels.recordMissed(event.to - event.from + 1)
    } else if (event._tag === "Lagged") this.channels.recordLagged(event.skipped)
  }

  /** The services of a node. */
  readonly #build = Effect.fnUntraced({ self: this }, function* (index: number) {
    const scenario = this.#scenario
    const scope = yield* Scope.fork(this.#scope)
    const skew = scenario.clockSkewMs * (2 * (yield* Random.next) - 1)
    const identity = Layer.fresh(Identity.layerRandom())
    const environment = this.environment.node(index)
    const measuredDht = this.dhtTimes.layer.pipe(Layer.provide(environment))
    const parts = Layer.merge(SecretRotation.layer(), Layer.merge(environment, measuredDht))
    const tracker = TopicTracker.layerNoDeps({ config: scenario.topic }).pipe(
      Layer.provide(parts),
      Layer.provideMerge(identity),
      Layer.provide(Layer.succeedContext(this.#crypto)),
    )
    const clock = this.#time.clockWithSkew(skew)
    const services = yield* Layer.build(tracker).pipe(Scope.provide(scope), Effect.provideService(Clock.Clock, clock))
    return { clock, scope, services, skew } satisfies BuiltNode
  })

  /** The node leaves in order: its peers are notified. */
  leave(index: number): Effect.Effect<void> {
    return this.#end(index, "leaves")
  }

  /** The node stops without notifying its peers. */
  crash(index: number): Effect.Effect<void> {
    return this.#end(index, "crashes")
  }

  /** The machines of these nodes are suspended for `ms`. */
  suspend(nodes: ReadonlyArray<number>, ms: number): Effect.Effect<void> {
    const clockOf = (index: number) => this.#members.get(index)?.clock
    return suspendNodes({ clockOf, environment: this.environment, log: this.#log, time: this.#time }, nodes, ms)
  }

  /** A node, drawn at random, broadcasts a message of this size. */
  readonly broadcast = Effect.fnUntraced({ self: this }, function* (name: string, bytes: number) {
    const nodes = this.graph.nodes()
    if (nodes.length === 0) return
    const member = this.#members.get(nodes[yield* Random.nextIntBetween(0, nodes.length, { halfOpen: true })]!)!
    this.deliveries.recordBroadcast(name, this.#time.now, member.index, nodes)
    this.#log.addLine(this.#time.now, member.index, `broadcasts ${name}`)
    yield* member.topic.broadcast(`${name} `.padEnd(bytes, "."))
  })

  /** The counters of all topics, summed; those of nodes that have left are included. */
  counters(): Effect.Effect<Readonly<Record<string, number>>> {
    return Effect.gen({ self: this }, function* () {
      const sum = { ...this.#pastCounters }
      for (const { topic } of this.#members.values()) addCounters(sum, yield* topic.stats)
      return sum
    })
  }

  /** Minutes that nodes have been there, summed over all nodes. */
  get nodeMinutes(): number {
    let ms = this.#pastMs
    for (const { startedAt } of this.#members.values()) ms += this.#time.now - startedAt
    return ms / 60_000
  }

  /** Logs and counts an event of a node's topic. */
  #record(member: Member, event: Stream.Success<Topic["events"]>): void {
    const { index } = member
    const now = this.#time.now
    if (event._tag === "Message") {
      const name = event.text?.split(" ", 1)[0] ?? ""
      this.#log.addLine(
        now,
        index,
        `receives ${name} from ${this.#indices.get(event.deliveredFrom)} after ${event.round} hops`,
      )
      this.deliveries.recordReception(name, now, index, event.round + 1)
    } else if (event._tag === "Lagged") {
      this.#log.addLine(now, index, `lost ${event.skipped} events`)
    } else {
      const peer = this.#indices.get(event.peer)!
      this.#log.addLine(now, index, `${event._tag === "NeighborUp" ? "up" : "down"} ${peer}`)
      if (event._tag === "NeighborDown") {
        this.graph.removeNeighbor(index, peer)
        const crashedAt = this.#crashedAt.get(peer)
        if (crashedAt !== undefined) this.crashNoticedAfter.push(now - crashedAt)
      } else this.graph.addNeighbor(index, peer)
      if (!this.joinedAfter.has(index)) this.joinedAfter.set(index, now - member.startedAt)
    }
  }

  #end(index: number, how: "leaves" | "crashes"): Effect.Effect<void> {
    const member = this.#members.get(index)
    if (member === undefined) return Effect.void
    const now = this.#time.now
    this.#members.delete(index)
    this.environment.removeNode(index)
    this.graph.removeNode(index)
    this.deliveries.recordDeparture(index, now)
    this.channels.recordDeparture(index, now)
    this.#pastMs += now - member.startedAt
    this.#log.addLine(now, index, how)
    if (how === "crashes") {
      this.#crashedAt.set(index, now)
      this.environment.cutOff(index)
    }
    return Effect.flatMap(member.topic.stats, (stats) => {
      addCounters(this.#pastCounters, stats)
      // Not awaited: other nodes do not wait for it either.
      return Effect.forkIn(Scope.close(member.scope, Exit.void), this.#scope)
    }).pipe(Effect.asVoid)
  }
}

const addCounters = (sum: Record<string, number>, stats: object): void => {
  for (const [name, value] of Object.entries(stats)) sum[name] = (sum[name] ?? 0) + Number(value)
}
