/** Pieces of work on worker threads, each of them answered once; what is asked first is begun first. */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Effect } from "effect"

/** What a worker posts about the piece of work that it has. */
export type Report<R> =
  | { readonly _tag: "Done"; readonly result: R }
  | { readonly _tag: "Failed"; readonly message: string }
  /** The part that is over, 0 to 1. */
  | { readonly _tag: "Progress"; readonly part: number }

export interface PoolOptions<W, R, E> {
  /** The module that asks. The worker's file stands beside it, as TypeScript in the repository and as JavaScript when built. */
  readonly caller: string
  readonly work: ReadonlyArray<W>
  /** Undefined: one for each processor. Never more than there is work. */
  readonly threads: number | undefined
  readonly onDone?: (result: R, work: W) => void
  readonly onProgress?: (work: W, part: number) => void
  readonly onFailed: (work: W, message: string) => E
}

/** The results, in the order of the work. Ends with the first failure. */
export const pool = Effect.fnUntraced(function* <W, R, E>(
  options: PoolOptions<W, R, E>,
): Effect.fn.Return<ReadonlyArray<R>, E> {
  const { work } = options
  const results: Array<R> = []
  let next = 0
  const drain = (worker: Worker) =>
    Effect.gen(function* () {
      while (next < work.length) {
        const index = next++
        const result = yield* ask(worker, work[index]!, options)
        results[index] = result
        options.onDone?.(result, work[index]!)
      }
    })
  const threads = Math.min(options.threads ?? availableParallelism(), work.length)
  const started = Effect.acquireRelease(
    Effect.sync(() => start(options.caller)),
    (worker) => Effect.promise(() => worker.terminate()),
  )
  yield* Effect.forEach(Array.from({ length: threads }), () => Effect.flatMap(started, drain), {
    concurrency: "unbounded",
    discard: true,
  }).pipe(Effect.scoped)
  return results
})

/** Nearly all that a simulation makes is soon garbage: with room for it, little of it is ever copied. */
const start = (caller: string) => {
  const isSource = caller.endsWith(".ts")
  return new Worker(new URL(isSource ? "./worker.ts" : "./worker.js", caller), {
    resourceLimits: { maxYoungGenerationSizeMb: 192 },
    // Whoever runs the sources has this already; a test runner does not.
    ...(isSource ? { execArgv: ["--conditions=@topic-tracker/source"] } : {}),
  })
}

const ask = <W, R, E>(worker: Worker, work: W, options: PoolOptions<W, R, E>): Effect.Effect<R, E> =>
  Effect.callback((resume) => {
    const settle = (outcome: Effect.Effect<R, E>) => {
      stop()
      resume(outcome)
    }
    const onMessage = (report: Report<R>) => {
      if (report._tag === "Progress") options.onProgress?.(work, report.part)
      else if (report._tag === "Done") settle(Effect.succeed(report.result))
      else settle(Effect.fail(options.onFailed(work, report.message)))
    }
    const onError = (error: Error) => settle(Effect.fail(options.onFailed(work, error.message)))
    const stop = () => {
      worker.off("message", onMessage)
      worker.off("error", onError)
    }
    worker.on("message", onMessage)
    worker.on("error", onError)
    worker.postMessage(work)
    return Effect.sync(stop)
  })
