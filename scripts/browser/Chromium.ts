/**
 * A headless Chromium for tests of pages: `open` gives a tab, which ends with the Scope. It reaches loopback only. The program is the
 * one that the variable CHROMIUM names, or the first of the usual names in PATH; `npm run test:browser` installs it where it can.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Clock, Effect, Schema, type Scope } from "effect"
import { DevTools } from "./DevTools.ts"

/** The browser did not start, or a page did not do what was asked. */
export class ChromiumError extends Schema.TaggedError<ChromiumError>()("ChromiumError", { message: Schema.String }) {}

/** A tab. Expressions run in its page; a promise is waited for, and the result has to be JSON. */
export interface Page {
  /** Opens an address and waits until it is loaded. */
  readonly goto: (url: string) => Effect.Effect<void, ChromiumError>
  readonly evaluate: <A = unknown>(expression: string) => Effect.Effect<A, ChromiumError>
  /** Waits until the expression is true, at most so many ms (10,000), and fails with what the page shows then. */
  readonly waitFor: (expression: string, withinMs?: number) => Effect.Effect<void, ChromiumError>
  /** Sets the size of the window in CSS pixels, and the colours that the reader prefers. */
  readonly look: (options: {
    readonly width: number
    readonly height: number
    readonly dark?: boolean
  }) => Effect.Effect<void, ChromiumError>
  /** The page as a screen reader has it: the role and the name of each thing that it does not ignore, in order. */
  readonly accessible: Effect.Effect<ReadonlyArray<{ readonly role: string; readonly name: string }>, ChromiumError>
  /** Presses and releases a key, such as "Tab" or "Enter", or types one character. */
  readonly press: (key: string) => Effect.Effect<void, ChromiumError>
  /** Writes a PNG of what is visible, or of the whole page. */
  readonly screenshot: (path: string, options?: { readonly whole?: boolean }) => Effect.Effect<void, ChromiumError>
  /** Uncaught exceptions, failed requests and lines of console.error so far. */
  readonly problems: ReadonlyArray<string>
  /** The addresses that were requested so far. */
  readonly requests: ReadonlyArray<string>
}

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]

/** The programs to try, the best first. */
export const candidates: ReadonlyArray<string> = process.env.CHROMIUM === undefined ? NAMES : [process.env.CHROMIUM]

const FLAGS = [
  "--headless=new",
  "--remote-debugging-port=0",
  // Tests run as root in containers, where Chromium has no sandbox of its own. They open pages of ours only.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  "--hide-scrollbars",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

/** ms until a browser has to have said where it listens. */
const START_MS = 30_000
const STEP_MS = 25

interface Started {
  readonly address: string
  readonly stop: () => Promise<void>
}

const startProgram = (program: string): Promise<Started> =>
  new Promise((resolve, reject) => {
    const profile = mkdtempSync(join(tmpdir(), "topic-tracker-chromium-"))
    const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    const gone = new Promise<void>((done) => {
      child.once("close", () => done())
      child.once("error", () => done())
    }).then(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
    const stop = () => {
      child.kill("SIGKILL")
      return gone
    }
    const timer = setTimeout(() => {
      child.kill("SIGKILL")
      reject(new Error(`${program} said nothing for ${START_MS} ms`))
    }, START_MS)
    let said = ""
    child.stderr.on("data", (chunk) => {
      said += chunk
      const address = /DevTools listening on (ws:\S+)/.exec(said)?.[1]
      if (address === undefined) return
      clearTimeout(timer)
      child.stderr.removeAllListeners("data")
      child.stderr.resume()
      resolve({ address, stop })
    })
    void gone.then(() => {
      clearTimeout(timer)
      reject(new Error(`${program} ended at its start: ${said.trim().split("\n").slice(-3).join("; ") || "not found"}`))
    }, reject)
  })

const startFirst = async (): Promise<Started> => {
  const problems: Array<string> = []
  for (const program of candidates) {
    const started = await startProgram(program).catch((error: Error) => error)
    if (!(started instanceof Error)) return started
    problems.push(started.message)
  }
  throw new Error(`no Chromium: ${problems.join(" — ")}. On Debian: apt-get install chromium`)
}

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, ChromiumError> =>
  Effect.tryPromise({
    try: run,
    catch: (error) => new ChromiumError({ message: error instanceof Error ? error.message : String(error) }),
  })

/** A tab of a browser of its own. */
export const open: Effect.Effect<Page, ChromiumError, Scope.Scope> = Effect.gen(function* () {
  const { address } = yield* Effect.acquireRelease(attempt(startFirst), ({ stop }) => Effect.promise(stop))
  const tools = yield* Effect.acquireRelease(
    attempt(() => DevTools.connect(address)),
    (each) => Effect.sync(each.close),
  )
  return yield* attempt(() => makePage(tools))
})

const makePage = async (tools: DevTools): Promise<Page> => {
  const { targetId } = await tools.send("Target.createTarget", { url: "about:blank" })
  const { sessionId } = await tools.send("Target.attachToTarget", { targetId, flatten: true })
  const send = (method: string, params: Readonly<Record<string, unknown>> = {}) =>
    tools.send(method, params, String(sessionId))
  const problems: Array<string> = []
  const requests: Array<string> = []
  tools.listen(({ method, params, sessionId: from }) => {
    if (from !== sessionId) return
    if (method === "Runtime.exceptionThrown") problems.push(describeException(params.exceptionDetails))
    if (method === "Runtime.consoleAPICalled" && params.type === "error") problems.push(JSON.stringify(params.args))
    if (method === "Network.loadingFailed" && params.canceled !== true) problems.push(`a request: ${params.errorText}`)
    if (method === "Network.requestWillBeSent") requests.push((params.request as { url: string }).url)
  })
  for (const domain of ["Page", "Runtime", "Network"]) await send(`${domain}.enable`)

  const evaluate = async (expression: string): Promise<unknown> => {
    const options = { expression, awaitPromise: true, returnByValue: true, userGesture: true }
    const { exceptionDetails, result } = await send("Runtime.evaluate", options)
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${describeException(exceptionDetails)}`)
    return (result as { value?: unknown }).value
  }

  return {
    goto: (url) =>
      attempt(async () => {
        const loaded = new Promise<void>((resolve) => {
          const stop = tools.listen(({ method, sessionId: from }) => {
            if (from !== sessionId || method !== "Page.loadEventFired") return
            stop()
            resolve()
          })
        })
        const { errorText } = await send("Page.navigate", { url })
        if (errorText !== undefined) throw new Error(`${url}: ${errorText}`)
        await loaded
      }),
    evaluate: <A>(expression: string) => attempt(() => evaluate(expression) as Promise<A>),
    waitFor: Effect.fnUntraced(function* (expression: string, withinMs = 10_000) {
      const end = (yield* Clock.currentTimeMillis) + withinMs
      while ((yield* attempt(() => evaluate(`Boolean(${expression})`))) !== true) {
        if ((yield* Clock.currentTimeMillis) > end) {
          const shown = yield* attempt(() => evaluate("document.body.innerText.slice(0, 1000)"))
          return yield* new ChromiumError({ message: `not true within ${withinMs} ms: ${expression}\nshown: ${shown}` })
        }
        yield* Effect.sleep(STEP_MS)
      }
    }),
    look: ({ dark = false, height, width }) =>
      attempt(async () => {
        const size = { width, height, deviceScaleFactor: 1, mobile: width < 600 }
        await send("Emulation.setDeviceMetricsOverride", size)
        const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]
        await send("Emulation.setEmulatedMedia", { features })
      }),
    accessible: attempt(async () => {
      const { nodes } = await send("Accessibility.getFullAXTree")
      return (nodes as ReadonlyArray<AccessibleNode>)
        .filter(({ ignored }) => !ignored)
        .map(({ name, role }) => ({ role: role?.value ?? "", name: name?.value ?? "" }))
    }),
    press: (key) =>
      attempt(async () => {
        const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined
        const code = KEY_CODES[key] ?? 0
        const event = { key, code: key, windowsVirtualKeyCode: code, ...(text === undefined ? {} : { text }) }
        await send("Input.dispatchKeyEvent", { type: "keyDown", ...event })
        await send("Input.dispatchKeyEvent", { type: "keyUp", ...event })
      }),
    screenshot: (path, { whole = false } = {}) =>
      attempt(async () => {
        const { data } = await send("Page.captureScreenshot", { format: "png", captureBeyondViewport: whole })
        writeFileSync(path, Buffer.from(String(data), "base64"))
      }),
    problems,
    requests,
  }
}

/** A node of the accessibility tree, as the DevTools protocol gives it. */
interface AccessibleNode {
  readonly ignored: boolean
  readonly role?: { readonly value: string }
  readonly name?: { readonly value: string }
}

/** The codes that pages of today still read beside the key's name. */
const KEY_CODES: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  " ": 32,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
}

const describeException = (details: unknown): string => {
  const { exception, text } = details as { text: string; exception?: { description?: string } }
  return exception?.description ?? text
}
