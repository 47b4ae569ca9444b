/**
 * Runs scenarios in network namespaces (Linux). Each namespace has its own loopback with all ports free, and kernel rules under
 * which no packet bypasses the relay. Root is not needed where users may create namespaces. A namespace exists as long as the one
 * process in it, which ends with this process.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect, Schema } from "effect"
import type { Report } from "../run/pool.ts"
import type { TopicWork } from "../run/runTopicScenarios.ts"
import { topicLabel } from "../scenario/TopicScenario.ts"
import type { SocketRun } from "./runOverSockets.ts"

export interface SocketWorkDone {
  readonly run: SocketRun
  /** Empty unless `withLog` was set. */
  readonly log: string
  readonly wallMs: number
}

/** The messages of the program inside. */
export type InsideReport =
  | Report<SocketWorkDone>
  /** The namespace is set up; the program waits for its work. */
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Unavailable"; readonly message: string }

/** A namespace with the necessary rules cannot be created here. */
export class NamespaceError extends Schema.TaggedError<NamespaceError>()("NamespaceError", {
  message: Schema.String,
}) {}

/** The run itself failed. */
export class SocketRunFailed extends Schema.TaggedError<SocketRunFailed>()("SocketRunFailed", {
  scenario: Schema.String,
  seed: Schema.BigInt,
  message: Schema.String,
}) {}

export interface NamespaceOptions {
  /** The program that creates namespaces. Default: "unshare" (util-linux). */
  readonly unshare?: string
  /** Receives the part of the scenario's duration that is over, 0 to 1. */
  readonly onProgress?: (part: number) => void
}

/** A run may take so much longer than its scenario: time to start, and to close everything. */
const GRACE_MS = 60_000

// In the repository this file is TypeScript, when built it is JavaScript; the program inside is as this file is.
const isSource = import.meta.url.endsWith(".ts")
const inside = fileURLToPath(new URL(isSource ? "./inside.ts" : "./inside.js", import.meta.url))

/** Root creates the namespace directly; other users create it inside a user namespace in which they are root. */
const unshareFlags = () => (process.getuid?.() === 0 ? ["--net"] : ["--user", "--map-root-user", "--net"])

/** Runs a scenario in a new namespace. An interruption leaves no process behind. */
export const runInNamespace = Effect.fnUntraced(function* (work: TopicWork, options: NamespaceOptions = {}) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => start(options.unshare ?? "unshare")),
    stop,
  )
  const failed = (message: string) =>
    new SocketRunFailed({ scenario: topicLabel(work.scenario), seed: work.seed, message })
  return yield* Effect.callback<SocketWorkDone, NamespaceError | SocketRunFailed>((resume) => {
    let ready = false
    let output = ""
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output = `${output}${text}`.slice(-2_000)
    })
    child.on("message", (report: InsideReport) => {
      if (report._tag === "Ready") {
        ready = true
        child.send(work)
      } else if (report._tag === "Progress") options.onProgress?.(report.part)
      else if (report._tag === "Done") resume(Effect.succeed(report.result))
      else if (report._tag === "Failed") resume(Effect.fail(failed(report.message)))
      else resume(Effect.fail(unavailable(report.message)))
    })
    child.once("error", (error) => resume(Effect.fail(unavailable(error.message))))
    child.once("exit", (code, signal) => {
      const why = output.trim() === "" ? `it ended with ${signal ?? code}` : output.trim()
      resume(Effect.fail(ready ? failed(why) : unavailable(why)))
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: work.scenario.durationMs + GRACE_MS,
      orElse: () => Effect.fail(failed(`it did not end within ${(work.scenario.durationMs + GRACE_MS) / 1_000} s`)),
    }),
  )
}, Effect.scoped)

const unavailable = (why: string) =>
  new NamespaceError({
    message:
      `no network namespace for real packets: ${why}\n` +
      "This needs Linux with unshare, ip and nft, as root or as a user who may create user namespaces.",
  })

/** The arguments of unshare that start a program of ours in a new namespace. */
export const unshareArgs = (program: string): ReadonlyArray<string> => [
  ...unshareFlags(),
  process.execPath,
  ...(isSource ? ["--conditions=@topic-tracker/source"] : []),
  program,
]

const start = (unshare: string): ChildProcess =>
  spawn(unshare, unshareArgs(inside), { stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" })

/** unshare replaces itself with the program inside, so this ends that program. */
const stop = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
