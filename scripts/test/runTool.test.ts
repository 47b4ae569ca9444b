import { assert, describe, it } from "@effect/vitest"
import { runTool } from "../runTool.ts"

describe("runTool", () => {
  it("runs the program of a dependency and returns its exit code", () => {
    assert.deepStrictEqual(runTool("biome", ["--version"]), { exitCode: 0 })
    const failed = runTool("biome", ["no-such-command"])
    assert.isAbove(failed.exitCode, 0)
    assert.isUndefined(failed.cause)
  })

  it("reports the cause if the program cannot start", () => {
    const { cause, exitCode } = runTool("tsc", [], import.meta.dirname)
    assert.strictEqual(exitCode, 1)
    assert.match(cause ?? "", /^typescript is not installed \(ENOENT.*\); run npm ci$/)
  })
})
