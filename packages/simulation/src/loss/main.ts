/**
 * `npm run -s sim:loss`: the delays of messages at a loss of packets, in the network in memory and over iroh's binding. It shows whether the network
 * in memory, on which simulations run, recovers from losses as QUIC does.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { CommandFailed, runCommand, textTable, withSystemSignals } from "@topic-tracker/cli-kit"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { within } from "../command/within.ts"
import { unshareArgs } from "../sockets/namespace.ts"
import { quantile } from "../world/distribution.ts"
import { inMemory, type LossOptions } from "./environments.ts"
import type { MeasuredDelays } from "./measureDelays.ts"

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

const flags = {
  loss: within(Flag.Finite("loss"), 0, 0.9).pipe(
    Flag.withDescription("The share of packets that is lost"),
    Flag.withDefault(0.4),
  ),
  pairs: within(Flag.Int("pairs"), 1, 200).pipe(
    Flag.withDescription("Pairs of endpoints, each with a link of 10 to 50 ms"),
    Flag.withDefault(20),
  ),
  seconds: within(Flag.Finite("seconds"), 1, 3_600).pipe(
    Flag.withDescription("The time in which messages are sent"),
    Flag.withDefault(60),
  ),
  every: within(Flag.Finite("every"), 1, 60_000).pipe(
    Flag.withDescription("The interval of messages of each side, in ms"),
    Flag.withDefault(200),
  ),
  bytes: within(Flag.Int("bytes"), 1, 65_536).pipe(
    Flag.withDescription("The size of a message"),
    Flag.withDefault(300),
  ),
  seed: within(Flag.Int("seed"), 0, 2 ** 31).pipe(Flag.withDescription("Decides the links"), Flag.withDefault(1)),
  memory: Flag.Boolean("memory").pipe(
    Flag.withDescription("Only the network in memory: needs no network namespace"),
    Flag.withDefault(false),
  ),
}

const inside = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./inside.ts" : "./inside.js", import.meta.url))

const inNamespace = (options: LossOptions) =>
  Effect.tryPromise({
    try: async (signal): Promise<MeasuredDelays> => {
      const args = [...unshareArgs(inside), JSON.stringify(options)]
      const { stdout } = await promisify(execFile)("unshare", args, { signal, maxBuffer: MAX_OUTPUT_BYTES })
      return JSON.parse(stdout)
    },
    catch: (cause) =>
      new CommandFailed({
        message: `no real packets: ${cause instanceof Error ? cause.message : cause}\nThis needs Linux with unshare, ip and nft; --memory needs none of them.`,
      }),
  })

const SHARES = [0.5, 0.9, 0.99, 0.999, 1]

const row = (name: string, { closed, delays, dials, failedDials, lost }: MeasuredDelays): ReadonlyArray<string> => {
  const [sorted, sortedDials] = [Float64Array.from(delays).sort(), Float64Array.from(dials).sort()]
  return [
    name,
    ...SHARES.map((share) => `${Math.round(quantile(sorted, share))}`),
    `${delays.length}`,
    `${lost}`,
    `${closed}`,
    `${Math.round(quantile(sortedDials, 0.5))}`,
    `${Math.round(quantile(sortedDials, 0.9))}`,
    `${failedDials}`,
  ]
}

const HEADER = [
  "ms",
  "p50",
  "p90",
  "p99",
  "p99.9",
  "max",
  "messages",
  "lost",
  "closed",
  "dial p50",
  "dial p90",
  "failed",
]

const command = Command.make(
  "sim:loss",
  flags,
  Effect.fn("sim:loss")(function* ({ bytes, every, loss, memory, pairs, seconds, seed }) {
    const options = { bytes, everyMs: every, durationMs: seconds * 1_000, graceMs: 40_000, loss, pairs, seed }
    const rows = [
      row(
        "in memory",
        withSystemSignals(() => inMemory(options)),
      ),
    ]
    if (!memory) rows.push(row("binding", yield* inNamespace(options)))
    yield* Console.log(textTable(HEADER, rows))
  }),
).pipe(
  Command.withDescription(
    "Measures the delays of messages on links that lose packets, in memory and over iroh's binding.",
  ),
)

runCommand(command)
