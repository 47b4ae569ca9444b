/**
 * The command `doctor`: says what stands in the way of a node on this host, and what to do about it. With `--topic` it joins the topic for some
 * seconds too. Exit code 0 if nothing stands in the way, 1 if something does.
 */

import { styleText } from "node:util"
import { nodeConfig } from "@topic-tracker/cli-kit/configFile"
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { fitLines } from "@topic-tracker/cli-kit/fitLines"
import { bootstrap, integer, relay } from "@topic-tracker/cli-kit/flags"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { type GivenTopic, readTopic, topicFlags } from "@topic-tracker/cli-kit/topic"
import { TopicConfig, TopicTracker } from "@topic-tracker/core"
import { type DhtAddress, DhtConfig } from "@topic-tracker/dht"
import { Console, Effect, Layer, Logger, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { Check } from "./doctor/Check.ts"
import { diagnoseHost, diagnoseNode, diagnoseTopic } from "./doctor/diagnose.ts"
import { hostFacts } from "./doctor/hostFacts.ts"
import { nodeFacts, topicFacts } from "./doctor/nodeFacts.ts"
import { summaries } from "./summaries.ts"

const DEFAULT_TIME_SERVER = "pool.ntp.org"
const NTP_PORT = 123

/** `none`: undefined. */
const parseTimeServer = (text: string): Option.Option<DhtAddress | undefined> => {
  if (text === "none") return Option.some(undefined)
  const server = DhtConfig.parseAddress(text.includes(":") ? text : `${text}:${NTP_PORT}`)
  return server === undefined ? Option.none() : Option.some(server)
}

const flags = {
  ...topicFlags(),
  bootstrap,
  relay,
  dhtPort: integer("dht-port", "The UDP port that the node is to have; 0 for any free one (default 0)", 0, 65_535).pipe(
    Flag.withDefault(0),
  ),
  timeServer: Flag.String("time-server").pipe(
    Flag.filterMap(parseTimeServer, () => "HOST[:PORT] or none"),
    Flag.withMetavar("host"),
    Flag.withDescription(
      `The NTP server to compare the clock with, HOST[:PORT], or none (default ${DEFAULT_TIME_SERVER}; none if the DHT is on this host)`,
    ),
    Flag.optional,
  ),
  seconds: integer("seconds", "The time to find a member of the topic (default 15)", 1, 3600).pipe(
    Flag.withDefault(15),
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print all checks as one JSON object"), Flag.withDefault(false)),
}

interface DoctorOptions {
  readonly given: GivenTopic
  readonly bootstrap: ReadonlyArray<DhtAddress>
  readonly relay: ReadonlyArray<string> | undefined
  readonly dhtPort: number
  readonly timeServer: Option.Option<DhtAddress | undefined>
  readonly seconds: number
}

/** A topic is joined only if it is named. */
const isNamed = ({ invite, topic }: GivenTopic): boolean => Option.isSome(topic) || Option.isSome(invite)

const examine = Effect.fnUntraced(function* (options: DoctorOptions) {
  const topic = isNamed(options.given) ? yield* readTopic(options.given) : undefined
  const given = yield* nodeConfig(options)
  const config = yield* TopicConfig.make(given).pipe(Effect.mapError(({ message }) => new UsageError({ message })))
  const { bootstrap = DhtConfig.publicBootstrap } = TopicConfig.dhtOptions(config)
  const ownTimeServer = DhtConfig.isLoopbackOnly(bootstrap) ? undefined : { host: DEFAULT_TIME_SERVER, port: NTP_PORT }
  const timeServer = Option.getOrElse(options.timeServer, () => ownTimeServer)
  const host = yield* hostFacts({ bootstrap, port: config.dht.port, timeServer })
  const checks: Array<Check> = [...diagnoseHost(host)]
  // Without an answer of the DHT, or its port, a node would find out nothing more.
  if (host.dht.answered === 0 || host.port.error !== undefined) return checks
  const wantsRelay = !host.isLoopback && config.network.relays !== "none"
  yield* Effect.gen(function* () {
    checks.push(...diagnoseNode(yield* nodeFacts(wantsRelay), host))
    if (topic !== undefined) checks.push(...diagnoseTopic(yield* topicFacts(topic.join, topic.access, options.seconds)))
  }).pipe(
    Effect.provide(TopicTracker.layer({ config: given }).pipe(Layer.provideMerge(Logger.layer([])))),
    Effect.mapError((error) => new UsageError({ message: error.message })),
  )
  return checks
})

const NAME_WIDTH = 8

const lineOf = ({ advice, found, name, ok }: Check): string => {
  const mark = styleText(ok ? "green" : "red", ok ? "ok" : "!!", { stream: process.stdout })
  const line = `${mark}  ${name.padEnd(NAME_WIDTH)}   ${found}`
  return fitLines(advice === "" ? line : `${line}\n${" ".repeat(4)}${"".padEnd(NAME_WIDTH)}   ${advice}`)
}

export const doctorCommand = Command.make(
  "doctor",
  flags,
  Effect.fn("doctor")(function* ({ bootstrap, dhtPort, json, relay, seconds, timeServer, ...given }) {
    const checks = yield* examine({ given, bootstrap, relay, dhtPort, timeServer, seconds })
    const problems = checks.filter(({ ok }) => !ok).length
    if (json) yield* Console.log(JSON.stringify({ checks }))
    else for (const check of checks) yield* Console.log(lineOf(check))
    if (problems === 0) return json ? undefined : yield* Console.log("\nNothing stands in the way.")
    return yield* new CommandFailed({
      message: `${problems === 1 ? "One thing stands" : `${problems} things stand`} in the way.`,
    })
  }),
).pipe(
  Command.withDescription(
    "Say what stands in the way of a node on this host, and what to do. Exit code 0 if nothing does, 1 if something does.",
  ),
  Command.withShortDescription(summaries.doctor),
  withExamples(
    ["", "Check network, names, DHT and clock"],
    ["--topic crew --secret-file secret.txt", "Check secret, access and members of a topic too"],
  ),
)
