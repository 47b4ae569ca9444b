/** Prints events and reads commands, as described in `interop/lib/events.ts`. */
import { Effect, Option, type PlatformError, Schema, Stdio, Stream } from "effect"
import type { ProgramEvent } from "../lib/events.ts"

type Emitted = ProgramEvent extends infer Event ? (Event extends ProgramEvent ? Omit<Event, "t"> : never) : never

/** Prints an event. */
export const emit = (event: Emitted): Effect.Effect<void> =>
  Effect.sync(() => {
    process.stdout.write(`${JSON.stringify({ ...event, t: Math.round(performance.now() * 1000) / 1000 })}\n`)
  })

const command = <const Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({ do: Schema.Literal(name), ...fields })

const Command = Schema.Union([
  command("broadcast", { hex: Schema.String, scope: Schema.optionalKey(Schema.Literals(["swarm", "neighbors"])) }),
  command("join", { peers: Schema.Array(Schema.String) }),
  command("link", { peers: Schema.Array(Schema.String) }),
  command("neighbors", {}),
  command("quit", {}),
])
/** A command of the test. */
export type Command = typeof Command.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Command))

/** The commands on standard input, until `quit` or its end. */
export const commands: Stream.Stream<Command, PlatformError.PlatformError, Stdio.Stdio> = Stream.unwrap(
  Effect.map(Stdio.Stdio, ({ stdin }) => stdin),
).pipe(
  Stream.decodeText(),
  Stream.splitLines,
  Stream.flatMap((line) => {
    const command = decode(line)
    if (Option.isSome(command)) return Stream.succeed(command.value)
    return Stream.fromEffectDrain(emit({ event: "error", message: `not a command: ${line}` }))
  }),
  Stream.takeWhile((command) => command.do !== "quit"),
)

/** Waits for `quit` or the end of standard input. */
export const untilQuit = Stream.runDrain(commands)
