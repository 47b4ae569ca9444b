/** `npm run -s sim -- --sockets`: the same scenarios in the simulation and over real packets, side by side. */
import { writeFile } from "node:fs/promises"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit"
import { Console, Effect, Option } from "effect"
import { progressLine } from "../run/progress.ts"
import type { TopicFigures } from "../topics/Figures.ts"
import { runAllTopics, type SeededScenario } from "../topics/runAllTopics.ts"
import { labelOf } from "../topics/TopicScenario.ts"
import { type Agreement, agreements } from "./agreement.ts"
import { agreementTable } from "./agreementTable.ts"
import { runAllSockets } from "./runAllSockets.ts"
import type { SocketRun } from "./runSockets.ts"
import { unsupported } from "./unsupported.ts"

export interface SocketsCommand {
  readonly scenarios: ReadonlyArray<SeededScenario & { readonly socketSeeds: ReadonlyArray<bigint> }>
  /** The file as it was given. */
  readonly config: string
  readonly json: boolean
  /** Where the event log of the one run over real packets goes. */
  readonly log: Option.Option<string>
}

/** What is reported of a scenario. */
export interface SocketSummary {
  readonly name: string
  readonly variant: Readonly<Record<string, number | string | boolean>>
  readonly nodes: number
  readonly seeds: ReadonlyArray<number>
  readonly socket_seeds: ReadonlyArray<number>
  readonly figures: ReadonlyArray<Agreement>
  /** One for each run over real packets. */
  readonly packets: ReadonlyArray<SocketRun["packets"]>
  readonly runs: { readonly simulated: ReadonlyArray<Plain>; readonly real: ReadonlyArray<Plain> }
  readonly wall_ms: number
}

type Plain = Omit<TopicFigures, "timeline" | "overlay">

/** Fails when a figure of the simulation and that of real packets differ by more than the tolerance. */
export const socketsCommand = Effect.fnUntraced(function* ({ config, json, log, scenarios }: SocketsCommand) {
  for (const { scenario } of scenarios) {
    const why = unsupported(scenario)
    if (why !== undefined) return yield* new UsageError({ message: `--config: ${labelOf(scenario)}: ${why}` })
  }
  const real = scenarios.map(({ scenario, socketSeeds }) => ({ scenario, seeds: socketSeeds }))
  const count = real.reduce((sum, { seeds }) => sum + seeds.length, 0)
  if (Option.isSome(log) && count !== 1) {
    const message = `--log: there are ${count} runs over real packets; choose one with --filter and --seed`
    return yield* new UsageError({ message })
  }
  const failed = (name: string, seed: bigint, message: string) => {
    const repeat = `npm run -s sim -- --config ${config} --sockets --filter '${name}' --seed ${seed}`
    return new CommandFailed({ message: `${name} with seed ${seed}: ${message}\nrepeat: ${repeat}` })
  }
  // First all that works hard: beside it real packets would be late.
  const simulated = yield* runAllTopics(scenarios).pipe(
    Effect.mapError(({ message, scenario, seed }) => failed(scenario, seed, message)),
  )
  const progress = progressLine()
  const played = yield* runAllSockets(real, { withLogs: Option.isSome(log), onProgress: progress.update }).pipe(
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.mapError((error) =>
      error._tag === "NamespaceError"
        ? new CommandFailed({ message: `--sockets: ${error.message}` })
        : failed(error.scenario, error.seed, error.message),
    ),
  )
  const summaries = scenarios.map(({ scenario, seeds, socketSeeds }, i): SocketSummary => {
    const runs = played[i]!.map(({ run }) => run)
    return {
      name: labelOf(scenario),
      variant: scenario.variant,
      nodes: scenario.nodes,
      seeds: seeds.map(Number),
      socket_seeds: socketSeeds.map(Number),
      figures: agreements(simulated[i]!.runs, runs),
      packets: runs.map(({ packets }) => packets),
      runs: { simulated: simulated[i]!.runs.map(plain), real: runs.map(plain) },
      wall_ms: Math.round(played[i]!.reduce((sum, { wallMs }) => sum + wallMs, 0)),
    }
  })
  if (Option.isSome(log)) {
    yield* Effect.tryPromise({
      try: () => writeFile(log.value, played[0]![0]!.log),
      catch: (cause) => new UsageError({ message: `--log: ${cause instanceof Error ? cause.message : cause}` }),
    })
  }
  yield* Console.log(json ? JSON.stringify(summaries, null, 2) : agreementTable(summaries))
  const apart = summaries.flatMap(({ figures, name }) =>
    figures.flatMap(({ agrees, figure }) => (agrees ? [] : [`${name}: ${figure}`])),
  )
  if (apart.length > 0) {
    const message = `simulation and real packets differ by more than the tolerance:\n${apart.join("\n")}`
    return yield* new CommandFailed({ message })
  }
})

const plain = ({ overlay: _, timeline: __, ...figures }: TopicFigures): Plain => figures
