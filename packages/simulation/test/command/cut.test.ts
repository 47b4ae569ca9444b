import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { CutRuns } from "../../src/command/CutRuns.ts"
import { runTopicScenario } from "../../src/run/runTopicScenario.ts"
import { readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"
import type { PartialFigures } from "../../src/world/Figures.ts"

const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node")
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "cut-"))
afterAll(() => rmSync(folder, { recursive: true }))

const table = (name: string, nodes: number, duration: string) =>
  `[[scenario]]\nsim = "Topics"\nname = "${name}"\nnodes = ${nodes}\nduration = "${duration}"\n`

describe("a cut run", { timeout: 60_000 }, () => {
  it("prints what is known so far, as JSON too, and ends with 130", async () => {
    const file = join(folder, "long.toml")
    writeFileSync(file, `seeds = [1]\n${table("long", 100, "60m")}`)
    const { code, stdout } = await new Promise<{ readonly code: unknown; readonly stdout: string }>((resolve) => {
      const child = spawn(node, ["--conditions=@topic-tracker/source", main, "--config", file, "--json"])
      let stdout = ""
      child.stdout.on("data", (chunk) => {
        stdout += chunk
      })
      // The first line of progress: there is no terminal.
      child.stderr.once("data", () => child.kill("SIGTERM"))
      child.once("close", (code) => resolve({ code, stdout }))
    })
    assert.strictEqual(code, 130)
    const { ended, under_way } = JSON.parse(stdout)
    assert.deepStrictEqual(ended, [])
    assert.deepInclude(under_way[0], { name: "long", seed: "1", of_ms: 3_600_000 })
    assert.strictEqual(under_way.length, 1)
  })

  it("has the table of the runs that ended, and a line for each under way", () => {
    const { scenarios } = Result.getOrThrow(
      readTopicScenarios(`seeds = [1]\n${table("short", 2, "5s")}${table("long", 3, "20s")}`, "x.toml"),
    )
    const [short, long] = [scenarios[0]!, scenarios[1]!]
    const cut = new CutRuns([short, long].map((scenario) => ({ scenario, seeds: [1n] })))
    const work = { scenario: short, seed: 1n, withLog: false }
    cut.onRun(work, { run: runTopicScenario(short, 1n), log: "", wallMs: 10 })
    const samples: Array<PartialFigures> = []
    runTopicScenario(long, 1n, { onFigures: (figures) => samples.push(figures) })
    assert.strictEqual(samples.length, 20)
    assert.deepInclude(samples.at(-1), { simulated_ms: 19_000, nodes: 3, bubbles: 1, joined: 3 })
    const underWay = { ...work, scenario: long }
    cut.onSoFar(underWay, samples[0]!)
    cut.onSoFar(underWay, samples.at(-1)!)
    assert.match(
      cut.text(),
      /^scenario .*\nshort .*\n(?:.*\n)?cut; runs under way so far:\n.*long with seed 1, 19\.0 of 20\.0 s: 3 nodes, 3 joined, 1 bubbles, one swarm after [\d.]+ s, degree 1\.3, [^\n]*$/,
    )
  })
})
