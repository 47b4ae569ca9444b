/**
 * Runs a user's own program in many instances on virtual time, under the links, the DHT and the faults of a scenario. The seed decides
 * everything; what a program does that the seed cannot decide is found and reported (`OutsideClock.ts`).
 */
import { readFile } from "node:fs/promises"
import { Cause, Effect, Exit, Fiber, Result, Scope } from "effect"
import { memoryEnvironment } from "../environment/memoryEnvironment.ts"
import { VirtualTime } from "../environment/VirtualTime.ts"
import { changesOf } from "../run/changes.ts"
import { EPOCH_MS, startSecond } from "../run/runScenario.ts"
import { readTopicScenarios } from "../scenario/readTopicScenarios.ts"
import { type TopicScenario, topicLabel } from "../scenario/TopicScenario.ts"
import { noMilestones } from "../world/milestones.ts"
import { TopicLog } from "../world/TopicLog.ts"
import { figuresOf, pointOf, type SimulationFigures, type SimulationPoint } from "./figures.ts"
import { InstanceNumber, Instances } from "./Instances.ts"
import { type OutsideCall, OutsideClock, WaitsOutside } from "./OutsideClock.ts"
import { invalid, type SimulateFileOptions, type SimulateOptions, scenarioOfOptions } from "./options.ts"
import type { InstanceExit, Program } from "./Program.ts"
import { SimulationError } from "./SimulationError.ts"

const POINT_EVERY_MS = 10_000

const MAX_SEED = 2n ** 63n - 1n

/**
 * A simulation that ran to its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Simulation<A, E> {
  readonly seed: bigint
  /** How each instance ended, in the order of their starts. */
  readonly exits: ReadonlyArray<InstanceExit<A, E>>
  /** One line for each event: simulated ms, the number of the instance, and what happened. */
  readonly log: ReadonlyArray<string>
  /** Of the log, 16 hex digits: two runs with the same hash are the same run. */
  readonly hash: string
  readonly figures: SimulationFigures
  /**
   * Calls of `Date.now`, `new Date()`, `performance.now`, `Math.random` and `crypto` in the program's own source. The run answered them from
   * its own time and seed; on real machines, and in tests, only Effect's Clock and Random can be controlled.
   */
  readonly outsideCalls: ReadonlyArray<OutsideCall>
}

/**
 * Runs the program in many instances, in one process and on virtual time: the production tracker, gossip and cryptography, on links and a
 * DHT as the options or a scenario file describe them. Six minutes of 50 instances take some seconds.
 *
 * The same seed gives the same run, event by event: everything waits on Effect's Clock, and all randomness is Effect's. Promises that
 * settle by themselves work; a fiber that waits for a file, a socket, or a promise that nobody settles fails the run with
 * `WaitsOutside` and its name. Programs that still run at the end are left where they are: their finalizers do not run.
 *
 * A program that fails does not fail the run: its exit is in the result. Only one simulation can run in a thread at a time.
 *
 * @since 0.1.0
 * @category operations
 * @example
 * ```ts
 * const run = yield* simulate(bot, { nodes: 50, duration: "6 minutes", links: { loss: 0.1 } })
 * console.log(run.hash, run.figures.topics[0]?.parts_at_end)
 * ```
 */
export const simulate = <A, E>(
  program: Program<A, E>,
  options: SimulateOptions | SimulateFileOptions,
): Effect.Effect<Simulation<A, E>, SimulationError> =>
  Effect.gen(function* () {
    const { scenario, seed } = yield* "file" in options
      ? fromFile(options)
      : Effect.map(scenarioOfOptions(options), (scenario) => ({ scenario, seed: options.seed ?? 1 }))
    if (scenario.dht.hostile !== undefined) {
      return yield* invalid("dht.hostile: an attacker needs the topic's name, which only the program knows")
    }
    const wide = yield* seedOf(seed)
    return yield* Effect.tryPromise({
      try: () => run(program, scenario, wide),
      catch: (cause) =>
        new SimulationError({
          reason: cause instanceof WaitsOutside ? "WaitsOutside" : "Defect",
          message: cause instanceof Error ? cause.message : String(cause),
        }),
    })
  })

const run = async <A, E>(program: Program<A, E>, scenario: TopicScenario, seed: bigint): Promise<Simulation<A, E>> => {
  const time = new VirtualTime(EPOCH_MS + startSecond(scenario, seed) * 1_000, seed)
  const lines: Array<string> = []
  const log = new TopicLog((line) => lines.push(line.trimEnd()))
  const watch = new OutsideClock(() => time.now, nameOf)
  const simulation = Effect.gen(function* () {
    const environment = yield* memoryEnvironment(scenario, time, "")
    const instances = yield* Instances.make(program, scenario, { time, log, environment })
    const changes = yield* Effect.forkScoped(
      changesOf({ scenario, time, swarm: instances, milestones: noMilestones() }),
    )
    const timeline: Array<SimulationPoint> = []
    for (let at = POINT_EVERY_MS; ; at += POINT_EVERY_MS) {
      yield* Effect.sleep(Math.min(at, scenario.durationMs) - time.now)
      timeline.push(pointOf(instances, time.now))
      const changed = changes.pollUnsafe()
      if (changed !== undefined && Exit.isFailure(changed)) return yield* Effect.failCause(changed.cause)
      if (time.now >= scenario.durationMs) break
    }
    yield* Fiber.interrupt(changes)
    return { exits: instances.exits(), figures: yield* figuresOf(instances, time.now, timeline) }
  })
  // The scope is never closed: nothing outlives this call.
  const exit = await time.runWithPromises(
    Effect.flatMap(Scope.make(), (scope) => Scope.provide(simulation, scope)),
    watch,
  )
  if (Exit.isFailure(exit)) throw new Error(Cause.pretty(exit.cause))
  return { seed, ...exit.value, log: lines, hash: log.finish(), outsideCalls: watch.calls }
}

const nameOf = (fiber: Fiber.Fiber<unknown, unknown>): string => {
  const index = fiber.getRef(InstanceNumber)
  return index === undefined ? "a fiber of the simulation" : `instance ${index}`
}

const fromFile = (options: SimulateFileOptions) =>
  Effect.gen(function* () {
    const { file, scenario: wanted = "" } = options
    const text = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => invalid(`options.file: ${cause instanceof Error ? cause.message : cause}`),
    })
    const { scenarios, seeds } = yield* Effect.fromResult(
      Result.mapError(readTopicScenarios(text, file), ({ message }) => invalid(`options.file: ${message}`)),
    )
    const chosen = scenarios.filter((scenario) => topicLabel(scenario).includes(wanted))
    const [scenario, another] = chosen
    if (scenario === undefined || another !== undefined) {
      const names = scenarios.map(topicLabel).join(", ")
      return yield* invalid(`options.scenario: "${wanted}" is in ${chosen.length} names; give one of ${names}`)
    }
    return { scenario, seed: options.seed ?? seeds[0] ?? 1 }
  })

const seedOf = (seed: number | bigint): Effect.Effect<bigint, SimulationError> => {
  const isInteger = typeof seed === "bigint" || Number.isSafeInteger(seed)
  const wide = isInteger ? BigInt(seed) : -1n
  return wide >= 0n && wide <= MAX_SEED
    ? Effect.succeed(wide)
    : Effect.fail(invalid(`options.seed: ${seed} is not an integer from 0 to 2^63 - 1`))
}
