/**
 * The portable cryptography in a browser: the same vectors as on Node, checked in a page of headless Chromium. The bundle resolves
 * nothing of Node, so it also shows that the package needs no polyfill.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rolldown } from "rolldown"
import { open } from "../../../../scripts/browser/Chromium.ts"
import { serveFolder } from "../../../../scripts/browser/serveFolder.ts"
import type { VectorReport } from "../../src/vectors/VectorReport.ts"

const packages = join(import.meta.dirname, "../../..")
const vectors = join(packages, "crypto/test/vectors")

/** The cases of each file, as on Node. */
const CASES: Readonly<Record<string, number>> = {
  "keys.json": 56,
  "second-slot.json": 5,
  "records.json": 12,
  "encrypted-records.json": 27,
  "hpke.json": 7,
  "published/rfc8032-ed25519.json": 3,
  "published/ed25519-speccheck.json": 12,
}

/** A folder with the page and its bundle. */
const pageFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = mkdtempSync(join(tmpdir(), "topic-tracker-page-"))
    const unresolved: Array<string> = []
    const bundle = await rolldown({
      input: { page: join(import.meta.dirname, "portablePage.ts") },
      platform: "browser",
      resolve: {
        conditionNames: ["@topic-tracker/source", "browser", "import", "module", "default"],
        // The checks need the target of a DHT item, and no socket: the one file that has it, in place of the package.
        alias: { "@topic-tracker/dht": join(packages, "dht/src/bep44/item.ts") },
      },
      onLog: (_level, log) => {
        if (log.code === "UNRESOLVED_IMPORT") unresolved.push(log.message)
      },
    })
    const { output } = await bundle.write({ dir: folder, format: "esm", codeSplitting: false })
    await bundle.close()
    assert.deepStrictEqual(unresolved, [])
    assert.deepStrictEqual(
      output.flatMap((each) => (each.type === "chunk" ? each.imports : [])),
      [],
    )
    const html = '<!doctype html><title>page</title><script type="module" src="page.js"></script>'
    writeFileSync(join(folder, "index.html"), html)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
)

describe("portable crypto", () => {
  it.live("agrees with all vectors in a browser", () =>
    Effect.gen(function* () {
      const page = yield* open
      yield* page.goto(yield* Effect.flatMap(pageFolder, serveFolder))
      yield* page.waitFor("typeof check === 'function'")
      for (const [file, passed] of Object.entries(CASES)) {
        const text = readFileSync(join(vectors, file), "utf8")
        const name = file.replace("published/", "")
        const report = yield* page.evaluate<VectorReport>(`check(${JSON.stringify(name)}, ${JSON.stringify(text)})`)
        assert.deepStrictEqual(report, { passed, failed: [] }, file)
      }
      assert.isTrue(yield* page.evaluate("typeof process === 'undefined'"))
      assert.deepStrictEqual(page.problems, [])
    }),
  )
})
