/** `sim --sockets`: runs the same scenarios in the simulation and over real packets, and compares the figures. */
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit"
import { Console, Effect, Option } from "effect"
import { agreementTable } from "../report/agreementTable.ts"
import { makeProgress } from "../run/progress.ts"
import { runTopicScenarios, type SeededScenario } from "../run/runTopicScenarios.ts"
import { topicLabel, type Variant } from "../scenario/TopicScenario.ts"
import { type Agreement, agreements } from "../sockets/agreement.ts"
import { runAllOverSockets } from "../sockets/runAllOverSockets.ts"
import type { SocketRun } from "../sockets/runOverSockets.ts"
import { unsupported } from "../sockets/unsupported.ts"
import type { TopicFigures } from "../world/Figures.ts"
import { repeatHint, writeOutput } from "./selection.ts"

export interface SocketsCommandOptions {
  readonly scenarios: ReadonlyArray<SeededScenario & { readonly socketSeeds: ReadonlyArray<bigint> }>
  /** The file as the user gave it. */
  readonly config: string
  readonly json: boolean
  /** The file for the event log of the one run over real packets. */
  readonly log: Option.Option<string>
}

/** The reported figures of a scenario. */
export interface SocketSummary {
  readonly name: string
  readonly variant: Variant
  readonly nodes: number
  readonly seeds: ReadonlyArray<number>
  readonly socket_seeds: ReadonlyArray<number>
  readonly figures: ReadonlyArray<Agreement>
  /** One for each run over real packets. */
  readonly packets: ReadonlyArray<SocketRun["packets"]>
  readonly runs: { readonly simulated: ReadonlyArray<RunFigures>; readonly real: ReadonlyArray<RunFigures> }
  readonly wall_ms: number
}

type RunFigures = Omit<TopicFigures, "timeline" | "overlay">

/** Fails if a figure of the simulation and that of real packets differ by more than the tolerance. */
export const runSocketsCommand = Effect.fnUntraced(function* (options: SocketsCommandOptions) {
  const { config, json, log, scenarios } = options
  for (const { scenario } of scenarios) {
    const reason = unsupported(scenario)
    if (reason !== undefined) return yield* new UsageError({ message: `--config: ${topicLabel(scenario)}: ${reason}` })
  }
  const real = scenarios.map(({ scenario, socketSeeds }) => ({ scenario, seeds: socketSeeds }))
  const count = real.reduce((sum, { seeds }) => sum + seeds.length, 0)
  if (Option.isSome(log) && count !== 1) {
    const message = `--log: there are ${count} runs over real packets; choose one with --filter and --seed`
    return yield* new UsageError({ message })
  }
  const failed = (name: string, seed: bigint, message: string) => {
    const hint = repeatHint({ config, filter: name, seed, sockets: true })
    return new CommandFailed({ message: `${name} with seed ${seed}: ${message}\n${hint}` })
  }
  // The simulation first: while it uses all processors, real packets would be late.
  const simulated = yield* runTopicScenarios(scenarios).pipe(
    Effect.mapError(({ message, scenario, seed }) => failed(scenario, seed, message)),
  )
  const progress = makeProgress()
  const played = yield* runAllOverSockets(real, { withLogs: Option.isSome(log), onProgress: progress.update }).pipe(
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
      name: topicLabel(scenario),
      variant: scenario.variant,
      nodes: scenario.nodes,
      seeds: seeds.map(Number),
      socket_seeds: socketSeeds.map(Number),
      figures: agreements(simulated[i]!.runs, runs),
      packets: runs.map(({ packets }) => packets),
      runs: { simulated: simulated[i]!.runs.map(withoutTimeline), real: runs.map(withoutTimeline) },
      wall_ms: Math.round(played[i]!.reduce((sum, { wallMs }) => sum + wallMs, 0)),
    }
  })
  if (Option.isSome(log)) yield* writeOutput("--log", log.value, played[0]![0]!.log)
  yield* Console.log(json ? JSON.stringify(summaries, null, 2) : agreementTable(summaries))
  const differing = summaries.flatMap(({ figures, name }) =>
    figures.flatMap(({ agrees, figure }) => (agrees ? [] : [`${name}: ${figure}`])),
  )
  if (differing.length > 0) {
    const message = `simulation and real packets differ by more than the tolerance:\n${differing.join("\n")}`
    return yield* new CommandFailed({ message })
  }
})

const withoutTimeline = ({ overlay: _, timeline: __, ...figures }: TopicFigures): RunFigures => figures
