/** The command `receive-file`: fetches a file by its hash from the members of a topic, and goes on where it was stopped. */

import { basename, dirname, join } from "node:path"
import { trackerLayer } from "@topic-tracker/cli-kit/configFile"
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { CommandFailed, UsageError } from "@topic-tracker/cli-kit/runCommand"
import { ContentHash, type FetchEvent } from "@topic-tracker/share"
import { Console, Duration, Effect, FileSystem, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ProgressWriter, showBytes } from "./fileProgress.ts"
import { fileFlags, jsonPrinter, secondsFlag, shareIn, told, whyUnsafe } from "./fileTopic.ts"
import { summaries } from "./summaries.ts"
import { escapeControlCharacters, shortId } from "./terminalLines.ts"

/** The name in the folder, which the sender gave, or the reason why the user has to give one. */
const placeFor = Effect.fnUntraced(function* (name: string) {
  const shown = JSON.stringify(escapeControlCharacters(name))
  const why = whyUnsafe(name)
  if (why !== undefined) {
    return yield* new UsageError({ message: `the sender calls the file ${shown}, which ${why}: give --to PATH` })
  }
  const files = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(files.exists(name), () => true)) {
    return yield* new UsageError({ message: `${shown} exists already in this folder: give --to PATH` })
  }
  return name
})

/** Moves the file to its name, unless there is one now. */
const rename = Effect.fnUntraced(function* (from: string, to: string) {
  const files = yield* FileSystem.FileSystem
  yield* files.link(from, to).pipe(
    Effect.andThen(files.remove(from)),
    Effect.mapError(
      (error) => new CommandFailed({ message: `the file is ${from}; it cannot be called ${to}: ${error.message}` }),
    ),
  )
})

export const receiveFileCommand = Command.make(
  "receive-file",
  {
    hash: Argument.String("HASH").pipe(
      Argument.withSchema(
        ContentHash.annotate({ expected: "the hash of a file, 64 hexadecimal digits in lower case" }),
      ),
      Argument.withDescription("The hash that send-file printed"),
    ),
    to: Flag.String("to").pipe(
      Flag.withMetavar("path"),
      Flag.withDescription("The file to write, which must not exist (default: the sender's name, in this folder)"),
      Flag.optional,
    ),
    ...fileFlags,
    seconds: secondsFlag("Give up when no member gave anything for this time (default 60)").pipe(Flag.withDefault(60)),
    stay: Flag.Boolean("stay").pipe(
      Flag.withDescription("Then share it with others until Ctrl-C"),
      Flag.withDefault(false),
    ),
  },
  Effect.fn(function* ({ bootstrap, hash, json, relay, seconds, stay, to, ...given }) {
    const receive = Effect.gen(function* () {
      const printJson = yield* jsonPrinter
      const writer = new ProgressWriter()
      const { share } = yield* shareIn(given)
      let verified = 0
      let size: number | undefined
      let name: string | undefined
      let path = ""
      const see = (event: FetchEvent) =>
        Effect.gen(function* () {
          switch (event._tag) {
            case "Searching":
              return json ? yield* printJson({ event: "searching", asked: event.asked }) : undefined
            case "Found": {
              size = event.size
              verified = event.resumed
              if (Option.isNone(to)) name = event.name === "" ? hash : yield* placeFor(event.name)
              const goesOn = event.resumed > 0 ? `, ${showBytes(event.resumed)} are here already` : ""
              return yield* json
                ? printJson({ event: "found", name: event.name, size, resumed: event.resumed })
                : Console.error(`${escapeControlCharacters(event.name) || shortId(hash)}, ${showBytes(size)}${goesOn}`)
            }
            case "Progress": {
              verified = event.verified
              const { bytesPerSecond, providers } = event
              if (json) return yield* printJson({ event: "progress", verified, size, bytesPerSecond, providers })
              return writer.draw({ done: verified, size: event.size, bytesPerSecond, members: providers })
            }
            case "WrongPiece":
              writer.end()
              return yield* json
                ? printJson({ event: "wrong-piece", peer: event.peer, piece: event.piece })
                : Console.error(`${shortId(event.peer)} sent a wrong piece and is asked no more`)
            case "Done":
              path = event.path
              return undefined
          }
        })
      yield* share.fetch(hash, { timeout: Duration.seconds(seconds), ...(Option.isSome(to) && { to: to.value }) }).pipe(
        Stream.runForEach(see),
        Effect.onInterrupt(() =>
          Effect.suspend(() => {
            writer.end()
            if (json) return printJson({ event: "stopped", verified })
            const part = size === undefined || size === 0 ? "" : ` at ${Math.floor((verified * 100) / size)} %`
            return Console.error(`stopped${part}; the same command goes on from there`)
          }),
        ),
        Effect.tapError(() => Effect.sync(() => writer.end())),
        Effect.catchTag("ShareError", (error) => Effect.fail(told(error))),
      )
      writer.end()
      if (name !== undefined && name !== basename(path)) {
        const named = join(dirname(path), name)
        yield* rename(path, named)
        path = named
      }
      yield* json ? printJson({ event: "done", path, size, hash }) : Console.log(path)
      if (stay) {
        if (!json) yield* Console.error("sharing it until Ctrl-C")
        yield* Effect.never
      }
    })
    yield* Effect.scoped(receive).pipe(Effect.provide(trackerLayer({ bootstrap, relay })))
  }),
).pipe(
  Command.withDescription(
    "Fetch a file by its hash from the members of a topic. Each piece is verified; after Ctrl-C or a crash the same command goes on.",
  ),
  Command.withShortDescription(summaries["receive-file"]),
  withExamples(["HASH --topic crew --secret-file secret.txt", "Fetch it, from the sender and from others"]),
)
