/** Runs pieces of work on worker threads. Pieces start in their order; each has one result. */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { Effect } from "effect"

/** The messages of a worker about its current piece of work. */
export type Report<R> =
  | { readonly _tag: "Done"; readonly result: R }
  | { readonly _tag: "Failed"; readonly message: string }
  /** The part that is done, 0 to 1. */
  | { readonly _tag: "Progress"; readonly part: number }

/** The same, and what is known so far. */
export type ReportWithFigures<R, F> = Report<R> | { readonly _tag: "SoFar"; readonly figures: F }

export interface PoolOptions<W, R, E, F = never> {
  /** The worker's module in this folder, without extension. */
  readonly worker: string
  readonly work: ReadonlyArray<W>
  /** Undefined: one for each processor. Never more than there are pieces. */
  readonly threads: number | undefined
  readonly onDone?: (result: R, work: W) => void
  readonly onProgress?: (work: W, part: number) => void
  readonly onSoFar?: ((work: W, figures: F) => void) | undefined
  readonly onFailed: (work: W, message: string) => E
}

/** The results, in the order of the work. Fails with the first failure. */
export const pool = Effect.fnUntraced(function* <W, R, E, F = never>(
  options: PoolOptions<W, R, E, F>,
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
    Effect.sync(() => start(options.worker)),
    (worker) => Effect.promise(() => worker.terminate()),
  )
  yield* Effect.forEach(Array.from({ length: threads }), () => Effect.flatMap(started, drain), {
    concurrency: "unbounded",
    discard: true,
  }).pipe(Effect.scoped)
  return results
})

/** In the repository this file is TypeScript, when built it is JavaScript; the workers are as this file is. */
const isSource = import.meta.url.endsWith(".ts")

/**
 * Most objects of a simulation become garbage soon: with a large young generation few of them are ever copied. Messages under way between
 * thousands of nodes are some hundred MB: with 192 MB the collector took 12 of 52 s while 1,500 nodes start, with this 8 of 46, with 1,536 6 of 47.
 */
const YOUNG_GENERATION_MB = 768

/** Ten thousand whole topics need more than the platform's default; a run that needs more than this fails and leaves the machine alone. */
const OLD_GENERATION_MB = 5_400

const start = (worker: string) =>
  new Worker(new URL(`./${worker}${isSource ? ".ts" : ".js"}`, import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB, maxOldGenerationSizeMb: OLD_GENERATION_MB },
    // A process that runs the sources has this condition already; a test runner does not.
    ...(isSource ? { execArgv: ["--conditions=@topic-tracker/source"] } : {}),
  })

const ask = <W, R, E, F>(worker: Worker, work: W, options: PoolOptions<W, R, E, F>): Effect.Effect<R, E> =>
  Effect.callback((resume) => {
    const settle = (outcome: Effect.Effect<R, E>) => {
      stop()
      resume(outcome)
    }
    const onMessage = (report: ReportWithFigures<R, F>) => {
      if (report._tag === "Progress") options.onProgress?.(work, report.part)
      else if (report._tag === "SoFar") options.onSoFar?.(work, report.figures)
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
