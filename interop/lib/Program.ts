/**
 * A program under test: started in a host, listened to, told what to do, and killed when its scope closes. Standard error
 * is kept for the message of a failure.
 */
import { type Cause, Duration, Effect, Option, Queue, Result, type Scope, Stream, SubscriptionRef } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { type Command, decodeEvent, type EventOf, type ProgramEvent } from "./events.ts"
import { InteropError } from "./InteropError.ts"
import type { Host } from "./Lab.ts"

export interface Program {
  readonly name: string
  /** Everything it has said so far. */
  readonly events: Effect.Effect<ReadonlyArray<ProgramEvent>>
  /** What it wrote to standard error, line by line; the last 50,000 lines. */
  readonly log: Effect.Effect<ReadonlyArray<string>>
  readonly tell: (command: Command) => Effect.Effect<void>
  /**
   * The first event of this name, already there or still to come, for which `where` holds. Fails when the program ends or
   * `within` (default 30 s) passes without one.
   */
  readonly first: <Name extends ProgramEvent["event"]>(
    name: Name,
    options?: WaitOptions<EventOf<Name>>,
  ) => Effect.Effect<EventOf<Name>, InteropError>
  /** As {@link first}, counting only what it says after it was told. */
  readonly ask: <Name extends ProgramEvent["event"]>(
    command: Command,
    name: Name,
    options?: WaitOptions<EventOf<Name>>,
  ) => Effect.Effect<EventOf<Name>, InteropError>
  /** Its exit code, once it ends; it has 10 s. */
  readonly exitCode: Effect.Effect<number, InteropError>
  /** Waits for its end, whatever its exit code; it has 60 s. */
  readonly ended: Effect.Effect<void, InteropError>
  readonly kill: (signal: "SIGTERM" | "SIGKILL" | "SIGINT") => Effect.Effect<void>
}

export interface WaitOptions<Event> {
  readonly where?: (event: Event) => boolean
  readonly within?: Duration.Input
  /** Words for the message of a failure. */
  readonly what?: string
}

const maxLogLines = 50_000

interface State {
  readonly events: ReadonlyArray<ProgramEvent>
  readonly ended: boolean
}

export const start = Effect.fn("Program.start")(function* (
  host: Host,
  name: string,
  command: string,
  args: ReadonlyArray<string>,
  options?: { readonly env?: Record<string, string> },
): Effect.fn.Return<Program, InteropError, ChildProcessSpawner.ChildProcessSpawner | Scope.Scope> {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const commands = yield* Queue.unbounded<Command, Cause.Done>()
  const state = yield* SubscriptionRef.make<State>({ events: [], ended: false })
  const errors: Array<string> = []

  const handle = yield* spawner
    .spawn(host.command(command, args, { ...options, forceKillAfter: "2 seconds" }))
    .pipe(Effect.mapError((error) => new InteropError({ message: `${name} does not start: ${error.message}` })))

  yield* Stream.fromQueue(commands).pipe(
    Stream.map((line) => `${JSON.stringify(line)}\n`),
    Stream.encodeText,
    Stream.run(handle.stdin),
    // It may end before it has read everything.
    Effect.ignore,
    Effect.forkScoped,
  )
  yield* handle.stderr.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) =>
      Effect.sync(() => {
        errors.push(line)
        if (errors.length > 2 * maxLogLines) errors.splice(0, maxLogLines)
      }),
    ),
    Effect.ignore,
    Effect.forkScoped,
  )
  yield* handle.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => {
      const event = decodeEvent(line)
      if (Result.isFailure(event)) {
        errors.push(`not an event: ${line} (${String(event.failure)})`)
        return Effect.void
      }
      return SubscriptionRef.update(state, ({ ended, events }) => ({ ended, events: [...events, event.success] }))
    }),
    Effect.ignore,
    Effect.ensuring(SubscriptionRef.update(state, ({ events }) => ({ events, ended: true }))),
    Effect.forkScoped,
  )

  /** What was heard last, for a message that is read when a test failed. */
  const account = (): string => {
    const said = SubscriptionRef.getUnsafe(state).events.slice(-12)
    const lines = [...said.map((event) => JSON.stringify(event).slice(0, 300)), ...errors.slice(-20)]
    return lines.length === 0 ? "It said nothing." : `It said last:\n  ${lines.join("\n  ")}`
  }

  const firstAfter = <Name extends ProgramEvent["event"]>(
    from: number,
    event: Name,
    options: WaitOptions<EventOf<Name>> = {},
  ): Effect.Effect<EventOf<Name>, InteropError> => {
    const within = options.within ?? "30 seconds"
    const what = options.what ?? `"${event}"`
    const isWanted = (candidate: ProgramEvent): candidate is EventOf<Name> =>
      candidate.event === event && (options.where?.(candidate as EventOf<Name>) ?? true)
    return SubscriptionRef.changes(state).pipe(
      Stream.map(({ ended, events }) => ({ ended, found: events.slice(from).find(isWanted) })),
      Stream.filter(({ ended, found }) => ended || found !== undefined),
      Stream.runHead,
      Effect.timeoutOrElse({
        duration: within,
        orElse: () =>
          Effect.fail(
            new InteropError({
              message: `${name}: no ${what} within ${Duration.format(Duration.fromInputUnsafe(within))}. ${account()}`,
            }),
          ),
      }),
      Effect.flatMap((head) =>
        Option.isSome(head) && head.value.found !== undefined
          ? Effect.succeed(head.value.found)
          : Effect.fail(new InteropError({ message: `${name} ended before ${what}. ${account()}` })),
      ),
    )
  }

  return {
    name,
    events: Effect.map(SubscriptionRef.get(state), ({ events }) => events),
    log: Effect.sync(() => errors.slice(-maxLogLines)),
    tell: (command) => Queue.offer(commands, command).pipe(Effect.asVoid),
    first: (event, options) => firstAfter(0, event, options),
    ask: (command, event, options) =>
      Effect.gen(function* () {
        const { events } = yield* SubscriptionRef.get(state)
        yield* Queue.offer(commands, command)
        return yield* firstAfter(events.length, event, options)
      }),
    exitCode: handle.exitCode.pipe(
      Effect.timeout("10 seconds"),
      Effect.mapError((error) => new InteropError({ message: `${name}: ${error.message}. ${account()}` })),
    ),
    ended: handle.exitCode.pipe(
      Effect.timeout("60 seconds"),
      Effect.mapError((error) => new InteropError({ message: `${name}: ${error.message}. ${account()}` })),
      Effect.asVoid,
    ),
    kill: (killSignal) => Effect.ignore(handle.kill({ killSignal })),
  }
})
