/**
 * `npm test`: type check, build, lint, then every test that needs only Node. The first step that fails ends it. The last line is
 * `N passed, N failed`: vitest's own count, or a failed step counted as one.
 */
import { spawnSync } from "node:child_process"
import { wrongArgument } from "./vitestArguments.ts"

const help = `npm test [-- FILTER …]

Type check, build, lint, then every test that needs only Node; the last line is "N passed, N failed".
FILTER and other arguments are vitest's: a part of a file's name, or -t with a part of a test's name.
Tests draw the same random numbers in each run; TEST_SEED=TEXT before the command draws others.`

const args = process.argv.slice(2)
if (args.includes("--help") || args.includes("-h")) {
  console.log(help)
  process.exit(0)
}
const wrong = wrongArgument(args)
if (wrong !== undefined) {
  console.error(wrong)
  process.exit(2)
}

const steps = [
  ["type check", "tsc", ["-p", "tsconfig.check.json"]],
  // Declarations can fail where types do not: what a user's code exports must be nameable from the packages' faces.
  ["build", "tsc", ["-b"]],
  ["format and lint", "biome", ["check", "--error-on-warnings", "."]],
  ["tests", "vitest", ["run", ...args]],
] as const

for (const [name, command, args] of steps) {
  console.log(`\n— ${name}: ${command} ${args.join(" ")}`)
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: false })
  if (status === 0) continue
  if (name !== "tests") console.log("\n0 passed, 1 failed")
  process.exit(status ?? 1)
}
