/**
 * Runs in network namespaces of their own (Linux): each has its own loopback, all of its ports, and rules under which nothing
 * goes around the relay. No root is needed where users may make namespaces. A namespace lasts as long as the one process
 * in it, which ends with this one.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect, Schema } from "effect"
import type { Report } from "../run/pool.ts"
import type { TopicWork } from "../topics/runAllTopics.ts"
import { labelOf } from "../topics/TopicScenario.ts"
import type { SocketRun } from "./runSockets.ts"

export interface SocketWorkDone {
  readonly run: SocketRun
  /** Empty unless it was wanted. */
  readonly log: string
  readonly wallMs: number
}

/** What the program inside tells. */
export type InsideReport =
  | Report<SocketWorkDone>
  /** The namespace is as it should be; work can be given. */
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Unavailable"; readonly message: string }

/** No namespace can be made here, or none with the rules that it needs. */
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
  /** The program that makes namespaces; "unshare" (util-linux) unless a test says otherwise. */
  readonly unshare?: string
  /** Gets the part of the scenario's duration that is over, 0 to 1. */
  readonly onProgress?: (part: number) => void
}

/** A run may take so much longer than its scenario, in ms: to start, and to end all that it has begun. */
const graceMs = 60_000

// The file stands beside this one, as TypeScript in the repository and as JavaScript when built.
const isSource = import.meta.url.endsWith(".ts")
const inside = fileURLToPath(new URL(isSource ? "./inside.ts" : "./inside.js", import.meta.url))

/** As root, namespaces are made directly; else inside a user namespace in which we are root. */
const flags = () => (process.getuid?.() === 0 ? ["--net"] : ["--user", "--map-root-user", "--net"])

/** Runs it in a namespace made for it. Interrupted, it leaves nothing behind. */
export const runInNamespace = Effect.fnUntraced(function* (work: TopicWork, options: NamespaceOptions = {}) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => start(options.unshare ?? "unshare")),
    stop,
  )
  const failed = (message: string) =>
    new SocketRunFailed({ scenario: labelOf(work.scenario), seed: work.seed, message })
  return yield* Effect.callback<SocketWorkDone, NamespaceError | SocketRunFailed>((resume) => {
    let ready = false
    let said = ""
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(-2_000)
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
      const why = said.trim() === "" ? `it ended with ${signal ?? code}` : said.trim()
      resume(Effect.fail(ready ? failed(why) : unavailable(why)))
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: work.scenario.durationMs + graceMs,
      orElse: () => Effect.fail(failed(`it did not end within ${(work.scenario.durationMs + graceMs) / 1_000} s`)),
    }),
  )
}, Effect.scoped)

const unavailable = (why: string) =>
  new NamespaceError({
    message:
      `no network namespace for real packets: ${why}\n` +
      "This needs Linux with unshare, ip and nft, as root or as a user who may make user namespaces.",
  })

const start = (unshare: string): ChildProcess =>
  spawn(unshare, [...flags(), process.execPath, ...(isSource ? ["--conditions=@topic-tracker/source"] : []), inside], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
  })

/** unshare becomes the program inside, so this ends that. */
const stop = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
