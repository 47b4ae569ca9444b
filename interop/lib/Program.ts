/**
 * A program under test: starts it in a host, reads its events, sends it commands, and kills it when the scope closes. Its standard error is
 * kept for error messages.
 */
import { type Cause, Duration, Effect, Option, Queue, Result, type Scope, Stream, SubscriptionRef } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { type Command, decodeEvent, type EventOf, type ProgramEvent } from "./events.ts"
import { InteropError } from "./InteropError.ts"
import type { Host } from "./Lab.ts"

/** A running program. */
export interface Program {
  readonly name: string
  /** All events so far. */
  readonly events: Effect.Effect<ReadonlyArray<ProgramEvent>>
  /** The last 50,000 lines of its standard error. */
  readonly log: Effect.Effect<ReadonlyArray<string>>
  /** Sends a command. */
  readonly send: (command: Command) => Effect.Effect<void>
  /**
   * The first event with this name for which `where` is true; waits for it if there is none yet. Fails if the program ends or
   * after `within` (default 30 s).
   */
  readonly first: <Name extends ProgramEvent["event"]>(
    name: Name,
    options?: WaitOptions<EventOf<Name>>,
  ) => Effect.Effect<EventOf<Name>, InteropError>
  /** Sends a command and waits like {@link first} for an event after it. */
  readonly request: <Name extends ProgramEvent["event"]>(
    command: Command,
    name: Name,
    options?: WaitOptions<EventOf<Name>>,
  ) => Effect.Effect<EventOf<Name>, InteropError>
  /** Waits for its end, at most 10 s. */
  readonly exitCode: Effect.Effect<number, InteropError>
  /** Waits for its end, at most 60 s, and accepts every exit code. */
  readonly ended: Effect.Effect<void, InteropError>
  readonly kill: (signal: "SIGTERM" | "SIGKILL" | "SIGINT") => Effect.Effect<void>
}

/** Options of a wait for an event. */
export interface WaitOptions<Event> {
  readonly where?: (event: Event) => boolean
  readonly within?: Duration.Input
  /** The name of the event in error messages. */
  readonly what?: string
}

const MAX_LOG_LINES = 50_000

interface State {
  readonly events: ReadonlyArray<ProgramEvent>
  readonly ended: boolean
}

/** Starts a program in a host. */
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
    // The program may end before it has read all commands.
    Effect.ignore,
    Effect.forkScoped,
  )
  yield* handle.stderr.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) =>
      Effect.sync(() => {
        errors.push(line)
        if (errors.length > 2 * MAX_LOG_LINES) errors.splice(0, MAX_LOG_LINES)
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

  /** The last events and errors, for an error message. */
  const lastOutput = (): string => {
    const last = SubscriptionRef.getUnsafe(state).events.slice(-12)
    const lines = [...last.map((event) => JSON.stringify(event).slice(0, 300)), ...errors.slice(-20)]
    return lines.length === 0 ? "It printed nothing." : `Its last output:\n  ${lines.join("\n  ")}`
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
              message: `${name}: no ${what} within ${Duration.format(Duration.fromInputUnsafe(within))}. ${lastOutput()}`,
            }),
          ),
      }),
      Effect.flatMap((head) =>
        Option.isSome(head) && head.value.found !== undefined
          ? Effect.succeed(head.value.found)
          : Effect.fail(new InteropError({ message: `${name} ended before ${what}. ${lastOutput()}` })),
      ),
    )
  }

  return {
    name,
    events: Effect.map(SubscriptionRef.get(state), ({ events }) => events),
    log: Effect.sync(() => errors.slice(-MAX_LOG_LINES)),
    send: (command) => Queue.offer(commands, command).pipe(Effect.asVoid),
    first: (event, options) => firstAfter(0, event, options),
    request: (command, event, options) =>
      Effect.gen(function* () {
        const { events } = yield* SubscriptionRef.get(state)
        yield* Queue.offer(commands, command)
        return yield* firstAfter(events.length, event, options)
      }),
    exitCode: handle.exitCode.pipe(
      Effect.timeout("10 seconds"),
      Effect.mapError((error) => new InteropError({ message: `${name}: ${error.message}. ${lastOutput()}` })),
    ),
    ended: handle.exitCode.pipe(
      Effect.timeout("60 seconds"),
      Effect.mapError((error) => new InteropError({ message: `${name}: ${error.message}. ${lastOutput()}` })),
      Effect.asVoid,
    ),
    kill: (killSignal) => Effect.ignore(handle.kill({ killSignal })),
  }
})
