/** The npm scripts that run until they are interrupted: a signal to npm alone, as another program sends it, reaches them. */
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startProgram } from "./startProgram.ts"

const workspace = fileURLToPath(new URL("../../..", import.meta.url))

// npm passes the signal to the shell that runs the script, and cmd.exe has no `exec`.
describe.skipIf(process.platform === "win32").concurrent("npm run", { timeout: 60_000 }, () => {
  it.live.each(["SIGINT", "SIGTERM"] as const)("node: %s sent to npm alone closes it", (signal) =>
    Effect.gen(function* () {
      const bootstrap = ["--bootstrap", "127.0.0.1:1"]
      const words = ["run", "-s", "node", "--", "--topic", "t", "--secret", "s", "--json", ...bootstrap]
      const node = yield* startProgram("npm", words, { folder: workspace })
      yield* node.prints('"ready"')
      const sentAt = performance.now()
      yield* node.signal(signal)
      const { code, out } = yield* node.ended
      assert.strictEqual(code, 0)
      assert.isBelow(performance.now() - sentAt, 2_000)
      assert.deepInclude(JSON.parse(out.trim().split("\n").at(-1)!), { event: "closed", reason: "interrupted" })
    }),
  )
})
