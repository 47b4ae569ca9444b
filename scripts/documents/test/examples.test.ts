/**
 * The API reference has one example for each entry of each published package, in docs/api. Each imports its entry, and prints what its
 * comments say: `// → text` is one line of output.
 */
import { existsSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { run } from "../../consumer/run.ts"
import { filesBelow } from "../../filesBelow.ts"
import { entries } from "../entries.ts"

const root = join(import.meta.dirname, "../../..")

describe("examples of the API reference", () => {
  it("belong to an entry, and each entry has one", () => {
    const files = filesBelow(join(root, "docs/api")).map((path) => relative(root, path))
    assert.deepStrictEqual([...files].sort(), entries.map(({ example }) => example).sort())
  })

  it.concurrent.each(entries.filter(({ example }) => existsSync(join(root, example))))("$specifier", async (entry) => {
    const code = readFileSync(join(root, entry.example), "utf8")
    assert.include(code, `"${entry.specifier}"`)
    const expected = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text)
    assert.isAbove(expected.length, 0)
    const args = ["--import=./scripts/start.mjs", "--conditions=@topic-tracker/source", entry.example]
    const { code: exit, err, out } = await run(process.execPath, args, { folder: root, limitMs: 30_000 })
    assert.strictEqual(exit, 0, err)
    assert.deepStrictEqual(out.trimEnd().split("\n"), expected)
  })
})
