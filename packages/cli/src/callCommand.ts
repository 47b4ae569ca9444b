/** The command `call`: joins a topic and calls one member of it, or all its neighbours there, and prints each answer with its time. */
import { trackerLayer } from "@topic-tracker/cli-kit/configFile"
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { bootstrap, integer, text } from "@topic-tracker/cli-kit/flags"
import { identityFileFlag } from "@topic-tracker/cli-kit/identityFile"
import { cacheFlag } from "@topic-tracker/cli-kit/nodeCache"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { type GivenTopic, readTopic, topicFlags } from "@topic-tracker/cli-kit/topic"
import { EndpointId, Topic } from "@topic-tracker/core"
import { PeerRpc } from "@topic-tracker/peers"
import { Cause, Clock, Console, Duration, Effect, Exit, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { Echo, PROTOCOL, peersLayer } from "./echo.ts"
import { summaries } from "./summaries.ts"
import { escapeControlCharacters, shortId } from "./terminalLines.ts"

/** The time in which more neighbours than those of `--least` may come, before all are called. */
const GATHER = Duration.seconds(1)

const flags = {
  ...topicFlags(),
  bootstrap,
  cache: cacheFlag,
  identityFile: identityFileFlag,
  member: Flag.String("member").pipe(
    Flag.withSchema(EndpointId.EndpointId.annotate({ expected: "the id of a node, 64 hexadecimal digits" })),
    Flag.withMetavar("id"),
    Flag.withDescription("The member to call, by its id"),
    Flag.optional,
  ),
  all: Flag.Boolean("all").pipe(
    Flag.withDescription("Call all members that become neighbours of this node, up to 5"),
    Flag.withDefault(false),
  ),
  least: integer("least", "With --all: call when so many members are neighbours (default 1)", 1, 5).pipe(
    Flag.withDefault(1),
  ),
  method: Flag.Literals("method", ["echo"]).pipe(Flag.withDescription("The call; the members run node --serve echo")),
  data: text("data", "The text to send"),
  seconds: integer("seconds", "The time to find a member, and again for its answer (default 20)", 1, 3600).pipe(
    Flag.withDefault(20),
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print each answer as JSON, one on each line"),
    Flag.withDefault(false),
  ),
}

interface CallOptions {
  readonly given: GivenTopic
  readonly member: Option.Option<EndpointId.EndpointId>
  /** The neighbours to wait for, if there is no `member`. */
  readonly least: number
  readonly data: string
  readonly seconds: number
  readonly json: boolean
}

const callMembers = Effect.fn("call")(function* ({ data, given, json, least, member, seconds }: CallOptions) {
  const timeout = Duration.seconds(seconds)
  const { join } = yield* readTopic(given)
  let found = 0
  const topic = yield* Topic.join(join).pipe(
    Effect.mapError(({ message }) => new UsageError({ message })),
    Effect.tap(({ neighborChanges }) =>
      neighborChanges.pipe(
        Stream.takeUntil(({ size }) => {
          found = size
          return size >= (Option.isSome(member) ? 1 : least)
        }),
        Stream.runDrain,
      ),
    ),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => {
        const few = found === 0 ? "no member of the topic was" : `only ${found} of ${least} members were`
        return Effect.fail(new CommandFailed({ message: `${few} found within ${seconds} s` }))
      },
    }),
  )
  if (Option.isNone(member)) yield* Effect.sleep(GATHER)
  const members = Option.isSome(member) ? [member.value] : [...(yield* topic.neighbors)]
  const startedAt = yield* Clock.currentTimeMillis
  let failures = 0
  yield* PeerRpc.requestAll(members, Echo, (client) => client.echo({ data }), { protocol: PROTOCOL, timeout }).pipe(
    Stream.runForEach(({ exit, peer }) =>
      Effect.gen(function* () {
        const ms = (yield* Clock.currentTimeMillis) - startedAt
        if (Exit.isSuccess(exit)) {
          const result = exit.value
          return yield* Console.log(
            json
              ? JSON.stringify({ member: peer, ms, result })
              : `${shortId(peer)}  ${escapeControlCharacters(result)}  (${ms} ms)`,
          )
        }
        failures++
        const error = messageOf(exit.cause)
        yield* Console.log(json ? JSON.stringify({ member: peer, error }) : `${shortId(peer)}  failed: ${error}`)
      }),
    ),
    Effect.provide(peersLayer(topic)),
  )
  if (failures > 0) {
    return yield* new CommandFailed({ message: `${failures} of ${members.length} members did not answer` })
  }
}, Effect.scoped)

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

export const callCommand = Command.make(
  "call",
  flags,
  Effect.fn(function* ({
    all,
    bootstrap,
    cache,
    data,
    identityFile,
    json,
    least,
    member,
    method: _,
    seconds,
    ...given
  }) {
    if (all === Option.isSome(member)) {
      return yield* new UsageError({ message: "--member ID or --all: give one of them" })
    }
    yield* callMembers({ given, member, least, data, seconds, json }).pipe(
      Effect.provide(trackerLayer({ bootstrap, cache, identityFile })),
    )
  }),
).pipe(
  Command.withDescription("Call a member of a topic, or all, and print the answers. Exit code 0 if all answered."),
  Command.withShortDescription(summaries.call),
  withExamples([
    "--topic crew --secret-file secret.txt --access members --all --method echo --data hi",
    "Call the members that serve echo",
  ]),
)
