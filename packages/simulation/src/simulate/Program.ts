/** The program of a simulation as its author sees it: the instance that it is, the services that it has, and how each instance ended. */
import type { NodeServices, TopicTracker } from "@topic-tracker/core"
import type { Effect, Exit, Ref, Scope } from "effect"

/**
 * The services that an instance's program may use: a tracker, the services below it, and a Scope that closes when the program ends or the instance
 * leaves.
 *
 * @since 0.1.0
 * @category models
 */
export type ProgramServices = TopicTracker | NodeServices | Scope.Scope

/**
 * One instance of a simulated program.
 *
 * @since 0.1.0
 * @category models
 */
export interface Instance {
  /** 0 for the first; an instance that comes later has the next number. */
  readonly index: number
  /** Adds a line to the log of the run. `Effect.log` does too. */
  readonly log: (text: string) => Effect.Effect<void>
  /** A number, 0 at first, whose values in all instances are in the figures under this name. */
  readonly gauge: (name: string) => Effect.Effect<Ref.Ref<number>>
}

/**
 * The program that each instance runs: an Effect, or a function that gets the instance.
 *
 * @since 0.1.0
 * @category models
 */
export type Program<A, E> =
  | Effect.Effect<A, E, ProgramServices>
  | ((instance: Instance) => Effect.Effect<A, E, ProgramServices>)

/**
 * The end of an instance. `how`: `"ended"`, its program has an exit; `"left"` and `"crashed"`, the scenario ended it; `"running"`, the run
 * ended before it. Times are simulated ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface InstanceExit<A, E> {
  readonly index: number
  readonly how: "ended" | "left" | "crashed" | "running"
  readonly startedAtMs: number
  readonly endedAtMs: number | undefined
  /** Of `"ended"`. */
  readonly exit: Exit.Exit<A, E> | undefined
}
