/**
 * `npm test`: type check, build, lint, then every test that needs only Node. It ends with the first step that fails. The last line is
 * `N passed, N failed`: vitest's own count, or 1 failed for another step.
 */

import { runTool } from "./runTool.ts"
import { wrongArgument } from "./vitestArguments.ts"

const help = `npm test [-- FILTER …]

Type check, build, lint, then every test that needs only Node; the last line is "N passed, N failed".
FILTER and other arguments are those of vitest: a part of a file's name, or -t with a part of a test's name.
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
  { name: "type check", tool: "tsc", args: ["-p", "tsconfig.check.json"] },
  // Declarations can fail where types do not: the exports of a user's code must be nameable from the packages' entry points.
  { name: "build", tool: "tsc", args: ["-b"] },
  { name: "format and lint", tool: "biome", args: ["check", "--error-on-warnings", "."] },
  { name: "tests", tool: "vitest", args: ["run", ...args] },
] as const

for (const { name, tool, args } of steps) {
  console.log(`\n— ${name}: ${tool} ${args.join(" ")}`)
  const result = runTool(tool, args)
  if (result.exitCode === 0) continue
  if (result.cause !== undefined) console.error(`${name} did not run: ${result.cause}`)
  // vitest prints its own count.
  if (name !== "tests" || result.cause !== undefined) console.log("\n0 passed, 1 failed")
  process.exit(result.exitCode)
}
