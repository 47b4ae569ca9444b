import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"

const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node")
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "topics-"))
afterAll(() => rmSync(folder, { recursive: true }))

const sim = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
    execFile(node, ["--conditions=@topic-tracker/source", main, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })

const file = join(folder, "two.toml")
writeFileSync(
  file,
  `seeds = [1, 2]
[[scenario]]
sim = "Topics"
name = "two"
nodes = 2
duration = "20s"
stop_early = true
[scenario.vary]
"links.loss" = [0, 0.1]
"expect.one_swarm" = ["10s", "1ms"]
`,
)

describe("sim of a mainline DHT", { timeout: 60_000 }, () => {
  it("prints the figures of walks and joins, the same for the same seed", async () => {
    const args = ["--mainline", "easy", "--samples", "2", "--seed", "5", "--json"]
    const [first, again] = await Promise.all([sim(...args), sim(...args)])
    assert.strictEqual(first.code, 0, first.stderr)
    assert.strictEqual(again.stdout, first.stdout)
    const [{ figures, seed }] = JSON.parse(first.stdout)
    assert.strictEqual(seed, "5")
    assert.strictEqual(figures["cold join of two"].count, 2)
    assert.isAbove(figures["cold join of two"].p50, 300)
    assert.strictEqual(figures["cold put, failed"], 0)
  })

  it("wants either scenarios or a preset", async () => {
    const none = await sim()
    const both = await sim("--config", file, "--mainline", "real")
    for (const { code, stderr } of [none, both]) {
      assert.notStrictEqual(code, 0)
      assert.include(stderr, "--config: give either --config FILE or --mainline PRESET")
    }
  })
})

describe("sim of whole topics", { timeout: 60_000 }, () => {
  it("fails if a run misses its expectations, with a command that repeats the run", async () => {
    const all = await sim("--config", file, "--json")
    assert.strictEqual(all.code, 1)
    const [asExpected, notSo] = JSON.parse(all.stdout)
    assert.deepStrictEqual([asExpected.name, asExpected.unmet], ["two[links.loss=0]", []])
    assert.lengthOf(notSo.unmet, 2)
    assert.match(
      all.stderr,
      /^two\[links\.loss=0\.1\] with seed 1: one_swarm: expected at most 1 ms, it was [\d.]+ ms\n/,
    )
    const repeat = `repeat: npm run -s sim -- --config ${file} --filter 'two[links.loss=0.1]' --seed 2\n`
    assert.isTrue(all.stderr.endsWith(repeat), all.stderr)
    const log = join(folder, "two.log")
    const again = await sim("--config", file, "--filter", "two[links.loss=0.1]", "--seed", "2", "--json", "--log", log)
    assert.deepStrictEqual(JSON.parse(again.stdout)[0].runs, [notSo.runs[1]])
    assert.lengthOf(readFileSync(log, "utf8").trim().split("\n"), notSo.runs[1].log_lines)
  })

  it("reads a folder, prints a table, and writes a self-contained report", async () => {
    const report = join(folder, "report.html")
    const { code, stdout, stderr } = await sim("--config", folder, "--filter", "loss=0]", "--report", report)
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^scenario +seeds +one swarm s .*\ntwo\[links\.loss=0\] +2 .* as expected\n$/)
    const html = readFileSync(report, "utf8")
    assert.include(html, "<td>two[links.loss=0]</td>")
    assert.notMatch(html, /<script[^>]+src=|<link\b/)
  })

  it("reports a wrong argument in one line with exit code 2", async () => {
    const [logs, filter] = await Promise.all([
      sim("--config", file, "--log", join(folder, "all.log")),
      sim("--config", file, "--filter", "three"),
    ])
    assert.strictEqual(logs.stderr, "--log: there are 4 runs; choose one with --filter and --seed\n")
    assert.strictEqual(
      filter.stderr,
      `--filter: "three" is in no scenario's name; there are two[links.loss=0], two[links.loss=0.1]\n`,
    )
    assert.deepStrictEqual([logs.code, filter.code], [2, 2])
  })
})
