/** A node of the Rust crate distributed-topic-tracker: the program interop/peer, which prints JSON events and reads commands. */
import { execFileSync, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { AttackFailed } from "../harness/Attack.ts"
import type { Heard } from "../victim/api.ts"

const crate = fileURLToPath(new URL("../../../../interop/peer/", import.meta.url))
const target = process.env.CARGO_TARGET_DIR ?? `${crate}target`
const path = `${target}/release/interop-peer`

/** rustup's folder is not on every PATH. */
const environment = { ...process.env, PATH: `${process.env.PATH}:${process.env.HOME}/.cargo/bin` }

/** The built program, which is built now if cargo is there. Undefined without both: then the soak runs without a Rust node. */
export const rustPeer = (): string | undefined => {
  if (existsSync(path)) return path
  try {
    execFileSync("cargo", ["build", "--release"], {
      cwd: crate,
      env: { ...environment, CARGO_TARGET_DIR: target },
      stdio: "inherit",
    })
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

export interface RustNode {
  readonly pid: number
  readonly endpointId: string
  readonly joined: Effect.Effect<void, AttackFailed>
  readonly broadcast: (text: string) => void
  /** What was heard since the last call. */
  readonly takeHeard: () => ReadonlyArray<Heard>
}

export interface RustNodeOptions {
  readonly program: string
  readonly topic: string
  readonly secret: string
  readonly bootstrap: string
  readonly parse: (text: string) => Heard | undefined
}

const READY_WITHIN_MS = 30_000

export const startRustNode = ({
  bootstrap,
  parse,
  program,
  secret,
  topic,
}: RustNodeOptions): Effect.Effect<RustNode, AttackFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          program,
          ["tracker", "--topic", topic, "--secret", secret, "--bootstrap", bootstrap, "--bind", "127.0.0.1"],
          {
            stdio: ["pipe", "pipe", "inherit"],
          },
        ),
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL")),
    )
    const heard: Array<Heard> = []
    const waiting = new Map<string, (line: string) => void>()
    const seen = new Map<string, string>()
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = /"event":"([a-z-]+)"/.exec(line)?.[1] ?? ""
      if (event === "message") {
        const text: unknown = JSON.parse(line).text
        const message = typeof text === "string" ? parse(text) : undefined
        if (message !== undefined) heard.push(message)
        return
      }
      seen.set(event, line)
      waiting.get(event)?.(line)
    })
    const first = (event: string) =>
      Effect.callback<string, AttackFailed>((resume) => {
        const line = seen.get(event)
        if (line !== undefined) return resume(Effect.succeed(line))
        waiting.set(event, (found) => resume(Effect.succeed(found)))
        child.once("exit", (code) => resume(Effect.fail(new AttackFailed({ message: `the Rust node ended: ${code}` }))))
      }).pipe(
        Effect.timeoutOrElse({
          duration: READY_WITHIN_MS,
          orElse: () =>
            Effect.fail(
              new AttackFailed({ message: `the Rust node is not ${event} within ${READY_WITHIN_MS / 1_000} s` }),
            ),
        }),
      )
    const ready: unknown = JSON.parse(yield* first("ready")).endpointId
    if (typeof ready !== "string" || child.pid === undefined) {
      return yield* new AttackFailed({ message: "the Rust node does not start" })
    }
    const node: RustNode = {
      pid: child.pid,
      endpointId: ready,
      joined: Effect.asVoid(first("joined")),
      broadcast: (text) =>
        void child.stdin.write(`${JSON.stringify({ do: "broadcast", hex: Buffer.from(text).toString("hex") })}\n`),
      takeHeard: () => heard.splice(0),
    }
    return node
  })
