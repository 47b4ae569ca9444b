/** Runs the fuzzing of one decoder in a worker thread, so that several decoders use several processors. */
import { Worker } from "node:worker_threads"
import { CommandFailed } from "@topic-tracker/cli-kit"
import { Effect } from "effect"
import type { FuzzResult } from "./fuzzDecoder.ts"
import type { FuzzWork } from "./worker.ts"

export const runFuzz = (work: FuzzWork): Effect.Effect<FuzzResult, CommandFailed> =>
  Effect.callback((resume) => {
    const failed = (why: string) =>
      resume(Effect.fail(new CommandFailed({ message: `${work.decoder}: the thread ended: ${why}` })))
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: work })
    worker.once("message", (result: FuzzResult) => resume(Effect.succeed(result)))
    worker.once("error", (error) => failed(error instanceof Error ? error.message : String(error)))
    worker.once("exit", (code) => failed(`exit code ${code}`))
    return Effect.promise(() => worker.terminate())
  })
