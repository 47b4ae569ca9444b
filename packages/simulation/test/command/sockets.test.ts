import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "@effect/vitest"

const node = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node")
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "sockets-"))
afterAll(() => rmSync(folder, { recursive: true }))

const sim = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) =>
  new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const options = { env: { ...process.env, ...env } }
    execFile(node, ["--conditions=@topic-tracker/source", main, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })

const write = (name: string, lines: string) => {
  const file = join(folder, name)
  writeFileSync(
    file,
    `seeds = [1, 2]\nsocket_seeds = 1\n[[scenario]]\nsim = "Topics"\nname = "two"\nnodes = 2\n${lines}`,
  )
  return file
}
const two = write("two.toml", 'duration = "20s"\nstop_early = true\ndht = { nodes = 10 }\n')

describe("sim --sockets", { timeout: 60_000 }, () => {
  it("runs the scenario in both ways and reports each figure with its tolerance, or the reason why it cannot", async () => {
    const log = join(folder, "two.log")
    const { code, stderr, stdout } = await sim(["--config", two, "--sockets", "--json", "--log", log])
    if (stderr.startsWith("--sockets: no network namespace for real packets: ")) return assert.strictEqual(code, 1)
    const [summary, ...others] = JSON.parse(stdout)
    assert.deepStrictEqual([summary.name, summary.seeds, summary.socket_seeds, others], ["two", [1, 2], [1], []])
    for (const { agrees, figure, real, simulated, tolerance, unit } of summary.figures) {
      assert.hasAllKeys(simulated, ["median", "min", "max", "never"])
      assert.isString(unit)
      assert.strictEqual(agrees, Math.abs(real.median - simulated.median) <= tolerance, figure)
    }
    // On a busy machine the figures may differ, but the exit code must report it.
    const differing = summary.figures.filter(({ agrees }: { readonly agrees: boolean }) => !agrees)
    assert.strictEqual(code, differing.length === 0 ? 0 : 1, stderr)
    assert.isAtLeast(summary.packets[0].received, summary.packets[0].redirected)
    assert.match(readFileSync(log, "utf8"), /^[\d.]+ 0 starts [0-9a-f]{64} skew 0\n/)
  }, 60_000)

  it("fails without unshare and names the requirements", async () => {
    const { code, stderr } = await sim(["--config", two, "--sockets"], { PATH: folder })
    assert.strictEqual(code, 1)
    assert.match(stderr, /^--sockets: no network namespace for real packets: .*ENOENT\nThis needs Linux with unshare/)
  })

  it("reports a wrong argument in one line with exit code 2", async () => {
    const hostile = write("hostile.toml", 'duration = "20s"\ndht = { nodes = 10, stale = 0.1 }\n')
    const gossip = fileURLToPath(new URL("../../simulations/all.toml", import.meta.url))
    const [report, unsupported, protocol] = await Promise.all([
      sim(["--config", two, "--sockets", "--report", join(folder, "x.html")]),
      sim(["--config", hostile, "--sockets"]),
      sim(["--config", gossip, "--sockets"]),
    ])
    assert.strictEqual(report.stderr, "--report: not with --sockets\n")
    assert.match(unsupported.stderr, /^--config: two: dht\.stale: not with --sockets: .*\n$/)
    assert.strictEqual(protocol.stderr, "--sockets: only whole topics run over real packets\n")
    assert.deepStrictEqual([report.code, unsupported.code, protocol.code], [2, 2, 2])
  })
})
