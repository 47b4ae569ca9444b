import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node")
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const allToml = fileURLToPath(new URL("../../simulations/all.toml", import.meta.url))

const sim = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
    execFile(node, ["--conditions=@topic-tracker/source", main, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })

describe("sim", { timeout: 60_000 }, () => {
  it("prints results as JSON and nothing else", async () => {
    const args = ["--config", allToml, "--filter", "Single-n20", "--json"]
    const [{ code, stderr, stdout }, seed123] = await Promise.all([sim(...args), sim(...args, "--seed", "123")])
    assert.strictEqual(code, 0, stderr)
    const [result, ...others] = JSON.parse(stdout)
    assert.deepStrictEqual(JSON.parse(seed123.stdout)[0].log_hashes, [result.log_hashes[3]])
    assert.deepStrictEqual(others, [])
    assert.strictEqual(result.name, "GossipSingle-n20-r30")
    assert.deepStrictEqual(result.seeds, [0, 1, 212312388123, 123])
    for (const figure of ["rmr", "ldh", "missed", "duration_ms"]) {
      assert.hasAllKeys(result[figure], ["mean", "min", "max"])
    }
    assert.isNumber(result.wall_ms)
  })

  it("prints a table, and help", async () => {
    const [run, help] = await Promise.all([sim("--config", allToml, "--filter", "All-n20"), sim("--help")])
    assert.match(run.stdout, /^scenario +seeds +RMR +LDH +missed +duration ms +wall ms\nGossipAll-n20-r30 +4 /)
    assert.strictEqual(help.code, 0)
    assert.include(help.stdout, "--filter")
  })

  it("reports a wrong argument in one line with exit code 2", async () => {
    const broken = join(tmpdir(), `simulation-${process.pid}.toml`)
    writeFileSync(broken, "seeds = [1]\nspeed = 2\n")
    const [missing, config, filter, unknown, seed] = await Promise.all([
      sim("--config", "nowhere.toml"),
      sim("--config", broken),
      sim("--config", allToml, "--filter", "n7"),
      sim("--speed", "3"),
      sim("--config", allToml, "--seed", "-1"),
    ])
    assert.match(missing.stderr, /^--config: .*nowhere\.toml/)
    assert.strictEqual(config.stderr, `--config: ${broken}:2: speed: no such key here\n`)
    assert.match(filter.stderr, /^--filter: "n7" is in no scenario's name; there are GossipSingle-n20-r30, /)
    assert.match(
      unknown.stderr,
      /^--speed is no option of this command; it has --config, --mainline, --samples, --filter, --seed, --json/,
    )
    assert.strictEqual(seed.stderr, '--seed: "-1" is not a seed, 0 to 2^63 - 1\n')
    for (const each of [missing, config, filter, unknown, seed]) {
      assert.strictEqual(each.code, 2)
      assert.strictEqual(each.stderr.trim().split("\n").length, 1)
      assert.strictEqual(each.stdout, "")
    }
  })
})
