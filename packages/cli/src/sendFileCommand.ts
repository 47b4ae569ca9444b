/** The command `send-file`: shares a file with the members of a topic until it is interrupted. */
import { trackerLayer } from "@topic-tracker/cli-kit/configFile"
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { Console, Duration, Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { showBytes } from "./fileProgress.ts"
import { fileFlags, jsonPrinter, secondsFlag, shareIn, told } from "./fileTopic.ts"
import { summaries } from "./summaries.ts"
import { escapeControlCharacters } from "./terminalLines.ts"

const LOOK = Duration.seconds(1)

export const sendFileCommand = Command.make(
  "send-file",
  {
    path: Argument.String("FILE").pipe(Argument.withDescription("The file to share; do not change it meanwhile")),
    ...fileFlags,
    seconds: secondsFlag("The time to share it (default: until Ctrl-C)").pipe(Flag.optional),
  },
  Effect.fn(function* ({ bootstrap, json, path, relay, seconds, ...given }) {
    const send = Effect.gen(function* () {
      const printJson = yield* jsonPrinter
      const { share, topic } = yield* shareIn(given)
      const { hash, name, size, uploaded } = yield* share.share({ path }).pipe(Effect.mapError(told))
      yield* json
        ? printJson({ event: "shared", hash, size, name })
        : Console.log(
            `${escapeControlCharacters(name)}, ${showBytes(size)}\n${hash}\nA member gets it with: receive-file ${hash}`,
          )
      yield* topic.neighborChanges.pipe(
        Stream.runForEach(({ size: members }) => (json ? printJson({ event: "members", members }) : Effect.void)),
        Effect.forkScoped,
      )
      let reported = 0
      const report = Effect.flatMap(uploaded, (bytes) => {
        if (bytes === reported) return Effect.void
        reported = bytes
        if (json) return printJson({ event: "sent", bytes })
        return process.stderr.isTTY
          ? Effect.sync(() => void process.stderr.write(`\rsent ${showBytes(bytes)}\u001b[K`))
          : Effect.void
      })
      const end = Effect.flatMap(uploaded, (bytes) =>
        json
          ? printJson({ event: "closed", bytes })
          : Effect.sync(
              () => void process.stderr.write(`${process.stderr.isTTY ? "\r" : ""}sent ${showBytes(bytes)} in all\n`),
            ),
      )
      yield* Effect.forever(Effect.andThen(Effect.sleep(LOOK), report)).pipe(
        Effect.timeoutOption(Option.match(seconds, { onNone: () => Duration.infinity, onSome: Duration.seconds })),
        Effect.ensuring(end),
      )
    })
    yield* Effect.scoped(send).pipe(Effect.provide(trackerLayer({ bootstrap, relay })))
  }),
).pipe(
  Command.withDescription(
    "Share a file with the members of a topic until Ctrl-C. Prints its hash, by which receive-file gets it. Receivers serve each other.",
  ),
  Command.withShortDescription(summaries["send-file"]),
  withExamples([
    "tides.mp4 --topic crew --secret-file secret.txt",
    "Share a file with the members of a topic until Ctrl-C",
  ]),
)
