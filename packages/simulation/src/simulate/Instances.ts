/**
 * The instances of a user's program: each has a tracker of its own in a shared environment, and runs the program in a scope of its own. They
 * start, leave and crash as `run/changes.ts` says; what they do in their topics is observed by `ObservedTopics`.
 */
import { TopicTracker } from "@topic-tracker/core"
import { type Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import { Clock, Context, Effect, Exit, Fiber, Layer, Logger, Random, Ref, Scope } from "effect"
import type { Environment } from "../environment/Environment.ts"
import type { WorldTime } from "../environment/WorldTime.ts"
import type { Swarm } from "../run/changes.ts"
import type { TopicScenario } from "../scenario/TopicScenario.ts"
import { DhtTimes } from "../world/DhtTimes.ts"
import { suspendNodes } from "../world/suspendNodes.ts"
import type { TopicLog } from "../world/TopicLog.ts"
import { ObservedTopics } from "./ObservedTopics.ts"
import type { Instance, InstanceExit, Program, ProgramServices } from "./Program.ts"

/** The number of the instance that a fiber belongs to; undefined outside of programs. */
export const InstanceNumber = Context.Reference<number | undefined>("@topic-tracker/simulation/InstanceNumber", {
  defaultValue: () => undefined,
})

interface Running<A, E> {
  readonly scope: Scope.Closeable
  readonly fiber: Fiber.Fiber<A, E>
  readonly clock: Clock.Clock
  readonly startedAt: number
}

export class Instances<A, E> implements Swarm<never> {
  readonly environment: Environment
  readonly topics: ObservedTopics
  readonly dhtTimes: DhtTimes
  readonly #program: Program<A, E>
  readonly #scenario: TopicScenario
  readonly #time: WorldTime
  readonly #log: TopicLog
  readonly #scope: Scope.Scope
  readonly #crypto: Context.Context<Crypto>
  readonly #running = new Map<number, Running<A, E>>()
  readonly #exits: Array<InstanceExit<A, E>> = []
  /** The gauges of instances that are there, by instance and name. */
  readonly #gauges = new Map<number, Map<string, Ref.Ref<number>>>()
  #pastMs = 0

  private constructor(
    program: Program<A, E>,
    scenario: TopicScenario,
    parts: {
      readonly time: WorldTime
      readonly log: TopicLog
      readonly environment: Environment
      readonly scope: Scope.Scope
      readonly crypto: Context.Context<Crypto>
    },
  ) {
    this.#program = program
    this.#scenario = scenario
    this.#time = parts.time
    this.#log = parts.log
    this.environment = parts.environment
    this.#scope = parts.scope
    this.#crypto = parts.crypto
    this.topics = new ObservedTopics(parts.time, parts.log)
    this.dhtTimes = new DhtTimes(parts.time, parts.environment)
  }

  /** No instances yet. */
  static make<A, E>(
    program: Program<A, E>,
    scenario: TopicScenario,
    parts: { readonly time: WorldTime; readonly log: TopicLog; readonly environment: Environment },
  ): Effect.Effect<Instances<A, E>, never, Scope.Scope> {
    return Effect.gen(function* () {
      const crypto = yield* Layer.build(parts.environment.crypto)
      return new Instances(program, scenario, { ...parts, crypto, scope: yield* Effect.scope })
    })
  }

  nodes(): ReadonlyArray<number> {
    return [...this.#running.keys()]
  }

  /** When the instance started: nobody knows what it says. */
  activeAt(index: number): number {
    return this.#running.get(index)?.startedAt ?? this.#time.now
  }

  readonly join = (): Effect.Effect<number> =>
    Effect.gen({ self: this }, function* () {
      const index = this.#exits.length
      const startedAt = this.#time.now
      this.#exits.push({ index, startedAtMs: startedAt, endedAtMs: undefined, how: "running", exit: undefined })
      const scope = yield* Scope.fork(this.#scope)
      const { clock, services } = yield* this.#build(index, scope)
      const { endpointId } = Context.get(services, Identity)
      this.environment.addNode(index, endpointId)
      this.topics.addInstance(index, endpointId)
      this.#log.addLine(startedAt, index, `starts ${endpointId}`)
      const program = typeof this.#program === "function" ? this.#program(this.#instance(index)) : this.#program
      const fiber = yield* Effect.forkIn(
        program.pipe(
          Effect.provideContext(services),
          Effect.provideService(Scope.Scope, scope),
          Effect.provideService(Clock.Clock, clock),
          Effect.provideService(InstanceNumber, index),
          Effect.provide(Logger.layer([this.#logger(index)])),
          Effect.onExit((exit) => this.#programEnded(index, exit)),
        ),
        this.#scope,
      )
      this.#running.set(index, { clock, fiber, scope, startedAt })
      return index
    })

  readonly leave = (index: number): Effect.Effect<void> => this.#end(index, "left")

  readonly crash = (index: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.environment.cutOff(index)
      return this.#end(index, "crashed")
    })

  readonly suspend = (nodes: ReadonlyArray<number>, ms: number): Effect.Effect<void> => {
    const clockOf = (index: number) => this.#running.get(index)?.clock
    return suspendNodes({ clockOf, environment: this.environment, log: this.#log, time: this.#time }, nodes, ms)
  }

  /** How each instance ended so far, in the order of the starts. */
  exits(): ReadonlyArray<InstanceExit<A, E>> {
    return [...this.#exits]
  }

  /** Minutes that instances have been there, summed. */
  get minutes(): number {
    let ms = this.#pastMs
    for (const { startedAt } of this.#running.values()) ms += this.#time.now - startedAt
    return ms / 60_000
  }

  /** The values of each gauge now, of the instances that are there. */
  gauges(): ReadonlyMap<string, ReadonlyArray<number>> {
    const values = new Map<string, Array<number>>()
    for (const gauges of this.#gauges.values()) {
      for (const [name, ref] of gauges) {
        const known = values.get(name)
        if (known === undefined) values.set(name, [Ref.getUnsafe(ref)])
        else known.push(Ref.getUnsafe(ref))
      }
    }
    return values
  }

  #instance(index: number): Instance {
    return {
      index,
      log: (text) => Effect.sync(() => this.#log.addLine(this.#time.now, index, oneLine(text))),
      gauge: (name) =>
        Effect.sync(() => {
          const own = this.#gauges.get(index) ?? new Map<string, Ref.Ref<number>>()
          this.#gauges.set(index, own)
          const ref = own.get(name) ?? Ref.makeUnsafe(0)
          own.set(name, ref)
          return ref
        }),
    }
  }

  #logger(index: number): Logger.Logger<unknown, void> {
    return Logger.make(({ logLevel, message }) => {
      const text = Array.isArray(message) ? message.map(String).join(" ") : String(message)
      this.#log.addLine(this.#time.now, index, `logs ${logLevel} ${oneLine(text)}`)
    })
  }

  readonly #build = Effect.fnUntraced({ self: this }, function* (index: number, scope: Scope.Closeable) {
    const scenario = this.#scenario
    const skew = scenario.clockSkewMs * (2 * (yield* Random.next) - 1)
    const clock = this.#time.clockWithSkew(skew)
    const environment = this.environment.node(index)
    const measuredDht = this.dhtTimes.layer.pipe(Layer.provide(environment))
    const parts = Layer.merge(SecretRotation.layer(), Layer.merge(environment, measuredDht)).pipe(
      Layer.provideMerge(Layer.fresh(Identity.layerRandom())),
      Layer.provideMerge(Layer.succeedContext(this.#crypto)),
    )
    const tracker = this.topics
      .layer(index)
      .pipe(Layer.provide(TopicTracker.layerNoDeps({ config: scenario.topic })), Layer.provideMerge(parts))
    const services: Context.Context<Exclude<ProgramServices, Scope.Scope>> = yield* Layer.build(tracker).pipe(
      Scope.provide(scope),
      Effect.provideService(Clock.Clock, clock),
      // The options were checked before the run.
      Effect.orDie,
    )
    return { clock, services }
  })

  /** The program ended by itself: the instance leaves. */
  #programEnded(index: number, exit: Exit.Exit<A, E>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const entry = this.#exits[index]!
      if (entry.how !== "running") return Effect.void
      this.#log.addLine(this.#time.now, index, Exit.isSuccess(exit) ? "ends" : "fails")
      this.#exits[index] = { ...entry, how: "ended", endedAtMs: this.#time.now, exit }
      const running = this.#remove(index)
      return running === undefined
        ? Effect.void
        : Effect.asVoid(Effect.forkIn(Scope.close(running.scope, exit), this.#scope))
    })
  }

  #end(index: number, how: "left" | "crashed"): Effect.Effect<void> {
    return Effect.suspend(() => {
      const running = this.#remove(index)
      if (running === undefined) return Effect.void
      this.#log.addLine(this.#time.now, index, how === "left" ? "leaves" : "crashes")
      this.#exits[index] = { ...this.#exits[index]!, how, endedAtMs: this.#time.now }
      // Not awaited: other instances do not wait for it either.
      return Effect.asVoid(
        Effect.forkIn(
          Effect.andThen(Fiber.interrupt(running.fiber), Scope.close(running.scope, Exit.void)),
          this.#scope,
        ),
      )
    })
  }

  #remove(index: number): Running<A, E> | undefined {
    const running = this.#running.get(index)
    if (running === undefined) return undefined
    this.#running.delete(index)
    this.#gauges.delete(index)
    this.environment.removeNode(index)
    this.topics.removeInstance(index)
    this.#pastMs += this.#time.now - running.startedAt
    return running
  }
}

const oneLine = (text: string): string => text.replaceAll("\n", " ")
