/**
 * The log lines of the topic, for example that the secret opens no record. Before the screen is open the lines go to standard error, then to the
 * screen: written by themselves, they would run across the input line.
 */
import { Effect, Logger, Queue } from "effect"

export class LogLines {
  readonly #queue: Queue.Queue<string>
  #isTaken = false

  private constructor(queue: Queue.Queue<string>) {
    this.#queue = queue
  }

  static readonly make = Effect.map(Queue.unbounded<string>(), (queue) => new LogLines(queue))

  /** The logger, for the whole program. */
  readonly layer = Logger.layer([
    Logger.make(({ message }) => {
      const text = [message].flat().join(" ")
      if (this.#isTaken) Queue.offerUnsafe(this.#queue, text)
      else console.error(`* ${text}`)
    }),
  ])

  /** Gives all further lines to `print`, until the scope closes. */
  readonly printWith = Effect.fnUntraced(function* (this: LogLines, print: (text: string) => Effect.Effect<void>) {
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        this.#isTaken = true
      }),
      () =>
        Effect.sync(() => {
          this.#isTaken = false
        }),
    )
    yield* Queue.take(this.#queue).pipe(Effect.flatMap(print), Effect.forever, Effect.forkScoped)
  })
}
