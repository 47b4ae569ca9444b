import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "..", "..")

describe("a command of this repository", () => {
  it("names the cause in one line when Node cannot run TypeScript", () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--no-strip-types", "--import=./scripts/start.mjs", "packages/cli/src/demo.ts"],
      { cwd: root, encoding: "utf8" },
    )
    assert.strictEqual(status, 1)
    assert.match(stderr, /^Node \S+ at \S+ does not run TypeScript .*npm rebuild node/)
    assert.strictEqual(stderr.trim().split("\n").length, 1)
  })
})
