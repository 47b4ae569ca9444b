/**
 * The control of the soak: bare endpoints of the binding, each connected with each other, that send as much as the nodes do over the same
 * lossy network. They run in processes like those of the nodes, which hold the same program.
 */
import { Effect, type Scope } from "effect"
import type { AttackFailed } from "../harness/Attack.ts"
import { startVictim, type Victim } from "../harness/Victim.ts"

export interface ControlOptions {
  readonly nodes: number
  /** The time between two messages on each connection, and their size. */
  readonly everyMs: number
  readonly bytes: number
}

export const startControl = ({
  bytes,
  everyMs,
  nodes: count,
}: ControlOptions): Effect.Effect<
  { readonly victims: ReadonlyArray<Victim>; readonly send: Effect.Effect<void, AttackFailed> },
  AttackFailed,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const victims = yield* Effect.forEach(Array.from({ length: count }), () => startVictim())
    const infos = yield* Effect.forEach(victims, (victim) => victim.call("startBare"))
    for (const [i, victim] of victims.entries())
      for (const info of infos.slice(0, i)) yield* victim.call("connectBare", info)
    return {
      victims,
      send: Effect.forEach(victims, (victim) => victim.call("sendBare", everyMs, bytes), { discard: true }),
    }
  })
