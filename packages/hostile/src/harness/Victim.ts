/** Starts a victim's process and calls it. Its memory and processor time are read from the system, so a busy victim cannot hide them. */
import { fork } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { type Answer, type Call, CLOCK_AHEAD_VARIABLE, type VictimApi } from "../victim/api.ts"
import { AttackFailed } from "./Attack.ts"

const program = fileURLToPath(new URL("../victim/main.ts", import.meta.url))

/** A call takes no longer, unless it waits for something by itself. */
const CALL_MS = 60_000

/** USER_HZ of Linux, in which /proc counts processor time. */
const TICKS_PER_SECOND = 100

export interface Victim {
  readonly pid: number
  readonly call: <K extends keyof VictimApi>(
    method: K,
    ...args: Parameters<VictimApi[K]>
  ) => Effect.Effect<Awaited<ReturnType<VictimApi[K]>>, AttackFailed>
  /** Processor time so far, in ms. */
  readonly cpuMs: () => number
  /** Resident memory now, in bytes. */
  readonly rssBytes: () => number
  /** Open file descriptors. */
  readonly handles: () => number
}

export interface VictimOptions {
  /** By how much its clock is ahead, in ms. Default: 0. */
  readonly clockAheadMs?: number
}

export const startVictim = ({
  clockAheadMs = 0,
}: VictimOptions = {}): Effect.Effect<Victim, AttackFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        fork(program, [], {
          execArgv: process.execArgv,
          env: { ...process.env, [CLOCK_AHEAD_VARIABLE]: String(clockAheadMs) },
          serialization: "advanced",
          stdio: ["ignore", "inherit", "inherit", "ipc"],
        }),
      ),
      (child) =>
        Effect.callback<void>((resume) => {
          if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
          child.kill("SIGKILL")
        }),
    )
    const waiting = new Map<number, (answer: Effect.Effect<unknown, AttackFailed>) => void>()
    let calls = 0
    child.on("message", (answer: Answer) => {
      const resume = waiting.get(answer.id)
      waiting.delete(answer.id)
      resume?.(
        "error" in answer
          ? Effect.fail(new AttackFailed({ message: `victim: ${answer.error}` }))
          : Effect.succeed(answer.result),
      )
    })
    child.once("exit", (code, signal) => {
      for (const resume of waiting.values()) {
        resume(Effect.fail(new AttackFailed({ message: `the victim's process ended: ${signal ?? code}` })))
      }
      waiting.clear()
    })
    const pid = child.pid
    if (pid === undefined) return yield* new AttackFailed({ message: "the victim's process does not start" })
    const victim: Victim = {
      pid,
      call: (method, ...args) =>
        Effect.callback<unknown, AttackFailed>((resume) => {
          const id = calls++
          waiting.set(id, resume)
          const call: Call = { id, method, args }
          child.send(call, (error) => {
            if (error !== null) resume(Effect.fail(new AttackFailed({ message: `victim: ${error.message}` })))
          })
        }).pipe(
          Effect.timeoutOrElse({
            duration: CALL_MS,
            orElse: () =>
              Effect.fail(new AttackFailed({ message: `the victim did not answer ${method} in ${CALL_MS} ms` })),
          }),
          // The victim's side has the types of VictimApi; the channel between has none.
          Effect.map((result) => result as never),
        ),
      cpuMs: () => {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /, "")
          .split(" ")
        return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND
      },
      rssBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024,
      handles: () => handlesOf(pid),
    }
    return victim
  })

const handlesOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
