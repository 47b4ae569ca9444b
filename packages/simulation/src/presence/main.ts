/** `npm run -s sim:presence`: figures of presence on virtual time, with plain heartbeats as control. */
import { CommandFailed, runCommand, textTable, withSystemSignals } from "@topic-tracker/cli-kit"
import { defaultConfig } from "@topic-tracker/gossip/protocol-config"
import { Console, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { within } from "../command/within.ts"
import { type Figure, scenarios } from "./scenarios.ts"

const names = Object.keys(scenarios) as ReadonlyArray<keyof typeof scenarios>

const flags = {
  scenario: Argument.Literals("SCENARIO", names).pipe(
    Argument.withDescription("cold start, leaves, crashes, false departures, bytes, split"),
  ),
  nodes: within(Flag.Int("nodes"), 2, 20_000).pipe(
    Flag.withDescription("The members of the swarm"),
    Flag.withDefault(1_000),
  ),
  loss: within(Flag.Finite("loss"), 0, 0.5).pipe(
    Flag.withDescription("The share of packets that links lose"),
    Flag.withDefault(0),
  ),
  hours: within(Flag.Finite("hours"), 0.01, 10_000).pipe(
    Flag.withDescription("The simulated time of false departures"),
    Flag.withDefault(1),
  ),
  seed: within(Flag.Int("seed"), 0, 2 ** 31).pipe(Flag.withDescription("Decides everything"), Flag.withDefault(1)),
  control: Flag.Boolean("control").pipe(
    Flag.withDescription("Plain heartbeats instead of presence"),
    Flag.withDefault(false),
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print an array of {name, value, unit, limit, holds} and nothing else"),
    Flag.withDefault(false),
  ),
}

const command = Command.make(
  "sim:presence",
  flags,
  Effect.fn("sim:presence")(function* ({ control, json, scenario, seed, ...options }) {
    const before = process.cpuUsage()
    const settings = { ...options, seed: BigInt(seed), isControl: control, protocol: defaultConfig }
    const figures = withSystemSignals(() => scenarios[scenario](settings))
    const rows = figures.map((figure) => ({ ...figure, holds: holds(figure) }))
    if (json) yield* Console.log(JSON.stringify(rows))
    else {
      yield* Console.log(
        textTable(
          ["figure", "value", "limit"],
          rows.map((row) => [row.name, shown(row.value, row.unit), shownLimit(row)]),
        ),
      )
      const { system, user } = process.cpuUsage(before)
      yield* Console.log(`${((system + user) / 1e6).toFixed(1)} s of processor time`)
    }
    if (!control && rows.some((row) => !row.holds)) {
      yield* Effect.fail(new CommandFailed({ message: `${scenario} with seed ${seed}: a limit does not hold` }))
    }
  }),
).pipe(
  Command.withDescription(
    "Simulates presence in a swarm and reports its figures. Exit code 1 if one is over its limit.",
  ),
)

const holds = ({ limit, value }: Figure): boolean => limit === undefined || value <= limit

const shown = (value: number, unit: string): string => `${Math.round(value * 100) / 100} ${unit}`.trimEnd()

const shownLimit = (row: Figure & { readonly holds: boolean }): string =>
  row.limit === undefined ? "" : `${shown(row.limit, row.unit)}${row.holds ? "" : " (over)"}`

runCommand(command)
