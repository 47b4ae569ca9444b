/**
 * A world of whole topics: nodes that join one topic with the production tracker, publisher, merges, records, cryptography and
 * gossip, on a ground in memory or of real sockets. It knows how nodes come and go; when they do is a run's business.
 */
import { TopicTracker } from "@topic-tracker/core"
import { type Crypto, type EndpointId, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Clock, Context, Effect, Exit, Layer, Random, Scope, Stream } from "effect"
import { Deliveries } from "./Deliveries.ts"
import { DhtTimes } from "./DhtTimes.ts"
import type { Ground } from "./Ground.ts"
import { Swarm } from "./Swarm.ts"
import type { TopicLog } from "./TopicLog.ts"
import type { TopicScenario } from "./TopicScenario.ts"
import type { WorldTime } from "./WorldTime.ts"

export const topicName = "simulation"
const secret = "the secret of the simulation"

type Topic = Effect.Success<ReturnType<TopicTracker["Service"]["joinNoWait"]>>

/** A node that has not joined. */
interface Prepared {
  readonly clock: Clock.Clock
  readonly scope: Scope.Closeable
  readonly services: Context.Context<TopicTracker | Identity>
  readonly skew: number
}

interface Member {
  readonly index: number
  readonly endpointId: EndpointId.EndpointId
  readonly topic: Topic
  readonly scope: Scope.Closeable
  readonly startedAt: number
}

export class World {
  readonly swarm = new Swarm()
  readonly deliveries = new Deliveries()
  readonly dhtTimes: DhtTimes
  readonly ground: Ground
  /** Milliseconds from each node's start to its first neighbour, by node. */
  readonly joinedAfter = new Map<number, number>()
  /** For each neighbour of a node that crashed: milliseconds from the crash until it had noticed. */
  readonly crashNoticedAfter: Array<number> = []
  private readonly scenario: TopicScenario
  private readonly time: WorldTime
  private readonly log: TopicLog
  private readonly crypto: Context.Context<Crypto>
  private readonly scope: Scope.Scope
  private readonly members = new Map<number, Member>()
  private readonly prepared = new Map<number, Prepared>()
  private readonly indices = new Map<EndpointId.EndpointId, number>()
  private readonly crashedAt = new Map<number, number>()
  private readonly past: Record<string, number> = {}
  private made = 0
  private nodeMs = 0

  private constructor(
    scenario: TopicScenario,
    time: WorldTime,
    log: TopicLog,
    parts: Pick<World, "ground"> & { readonly crypto: Context.Context<Crypto>; readonly scope: Scope.Scope },
  ) {
    this.scenario = scenario
    this.time = time
    this.log = log
    this.ground = parts.ground
    this.crypto = parts.crypto
    this.scope = parts.scope
    this.dhtTimes = new DhtTimes(time)
  }

  /** A world without nodes. */
  static readonly make = Effect.fnUntraced(function* (
    scenario: TopicScenario,
    time: WorldTime,
    log: TopicLog,
    ground: Ground,
  ) {
    return new World(scenario, time, log, {
      ground,
      crypto: yield* Layer.build(ground.crypto),
      scope: yield* Effect.scope,
    })
  })

  /** Makes the next nodes ready, so that they join the moment they are told to. On virtual time that is no gain. */
  prepare(count: number) {
    const indices = Array.from({ length: count }, (_, i) => this.made + i)
    const prepared = Effect.map(
      Effect.forEach(indices, (index) => this.build(index)),
      (nodes) =>
        nodes.forEach((node, i) => {
          this.prepared.set(indices[i]!, node)
        }),
    )
    return prepared
  }

  /** A new node comes and joins the topic. Returns its index. */
  readonly join = Effect.gen({ self: this }, function* () {
    const { time } = this
    const index = this.made++
    const { clock, scope, services, skew } = this.prepared.get(index) ?? (yield* this.build(index))
    this.prepared.delete(index)
    const { endpointId } = Context.get(services, Identity)
    this.ground.add(index, endpointId)
    this.indices.set(endpointId, index)
    this.swarm.add(index)
    this.log.add(time.now, index, `starts ${endpointId} skew ${skew}`)
    const startedAt = time.now
    const topic = yield* Context.get(services, TopicTracker)
      .joinNoWait({ topic: topicName, secret })
      .pipe(Scope.provide(scope), Effect.provideService(Clock.Clock, clock))
    const member: Member = { index, endpointId, topic, scope, startedAt }
    this.members.set(index, member)
    const events = yield* topic.subscribe({ capacity: 65_536 }).pipe(Scope.provide(scope))
    yield* Stream.runForEach(events, (event) => Effect.sync(() => this.note(member, event))).pipe(Effect.forkIn(scope))
    return index
  })

  /** All that a node is, before it has joined. */
  private readonly build = Effect.fnUntraced({ self: this }, function* (index: number) {
    const { scenario, time } = this
    const scope = yield* Scope.fork(this.scope)
    const skew = scenario.clockSkewMs * (2 * (yield* Random.next) - 1)
    const identity = Layer.fresh(Identity.layerRandom())
    const ground = this.ground.node(index)
    const timed = this.dhtTimes.layer.pipe(Layer.provide(ground))
    const parts = Layer.merge(SecretRotation.layer(), Layer.merge(ground, timed))
    const tracker = TopicTracker.layerNoDeps({ config: scenario.topic }).pipe(
      Layer.provide(parts),
      Layer.provideMerge(identity),
      Layer.provide(Layer.succeedContext(this.crypto)),
    )
    const clock = time.clockWithSkew(skew)
    const services = yield* Layer.build(tracker).pipe(Scope.provide(scope), Effect.provideService(Clock.Clock, clock))
    return { clock, scope, services, skew }
  })

  /** The node says goodbye and is gone. */
  leave(index: number): Effect.Effect<void> {
    return this.end(index, "leaves")
  }

  /** The node is gone without a word. */
  crash(index: number): Effect.Effect<void> {
    return this.end(index, "crashes")
  }

  /** One of the nodes, drawn, sends a message to all. */
  readonly broadcast = Effect.fnUntraced({ self: this }, function* (name: string, bytes: number) {
    const nodes = this.swarm.nodes()
    if (nodes.length === 0) return
    const member = this.members.get(nodes[yield* Random.nextIntBetween(0, nodes.length, { halfOpen: true })]!)!
    this.deliveries.broadcast(name, this.time.now, member.index, nodes)
    this.log.add(this.time.now, member.index, `broadcasts ${name}`)
    yield* member.topic.broadcast(`${name} `.padEnd(bytes, "."))
  })

  /** What all topics together have done, those of nodes that are gone too. */
  readonly counters = Effect.gen({ self: this }, function* () {
    const sum = { ...this.past }
    for (const { topic } of this.members.values()) add(sum, yield* topic.stats)
    return sum
  })

  /** Minutes that nodes have been there, together. */
  get nodeMinutes(): number {
    let ms = this.nodeMs
    for (const { startedAt } of this.members.values()) ms += this.time.now - startedAt
    return ms / 60_000
  }

  private note(member: Member, event: Stream.Success<Topic["events"]>): void {
    const { index } = member
    const now = this.time.now
    if (event._tag === "Message") {
      const name = event.text?.split(" ", 1)[0] ?? ""
      this.log.add(now, index, `receives ${name} from ${this.indices.get(event.from)} after ${event.round} hops`)
      this.deliveries.received(name, now, index, event.round + 1)
    } else if (event._tag === "Lagged") {
      this.log.add(now, index, `lost ${event.skipped} events`)
    } else {
      const peer = this.indices.get(event.peer)!
      this.log.add(now, index, `${event._tag === "NeighborUp" ? "up" : "down"} ${peer}`)
      if (event._tag === "NeighborDown") {
        this.swarm.down(index, peer)
        const crashedAt = this.crashedAt.get(peer)
        if (crashedAt !== undefined) this.crashNoticedAfter.push(now - crashedAt)
      } else this.swarm.up(index, peer)
      if (!this.joinedAfter.has(index)) this.joinedAfter.set(index, now - member.startedAt)
    }
  }

  private end(index: number, how: "leaves" | "crashes"): Effect.Effect<void> {
    const member = this.members.get(index)
    if (member === undefined) return Effect.void
    const now = this.time.now
    this.members.delete(index)
    this.ground.gone(index)
    this.swarm.remove(index)
    this.deliveries.gone(index, now)
    this.nodeMs += now - member.startedAt
    this.log.add(now, index, how)
    if (how === "crashes") {
      this.crashedAt.set(index, now)
      this.ground.silence(index)
    }
    return Effect.flatMap(member.topic.stats, (stats) => {
      add(this.past, stats)
      // Not waited for: nobody else does.
      return Effect.forkIn(Scope.close(member.scope, Exit.void), this.scope)
    }).pipe(Effect.asVoid)
  }
}

const add = (sum: Record<string, number>, stats: object): void => {
  for (const [name, value] of Object.entries(stats)) sum[name] = (sum[name] ?? 0) + Number(value)
}
