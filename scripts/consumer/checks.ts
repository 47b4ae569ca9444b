/**
 * The checks made once for each packed package, not in each layout: that it could be published (`npm publish --dry-run`), that its
 * package.json and its types lead every kind of consumer to the right files (publint, arethetypeswrong), and its size.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Packed } from "./pack.ts"
import { run, tail } from "./run.ts"

/** A check of one package. */
export interface Check {
  readonly name: string
  /** The reason of its failure, or undefined. */
  readonly run: (packed: Packed, tools: string) => Promise<string | undefined>
}

/** The linters of packages, from the registry, next to the runtimes. */
export const LINTERS: Readonly<Record<string, string>> = {
  "@arethetypeswrong/cli": "0.18.5",
  publint: "0.3.25",
}

/** A package's size limits. They are some 10 % above what it has: a package that outgrows them gets new ones in the same commit. */
interface Budget {
  /** Bytes of the packed tarball. */
  readonly tarball: number
  /** The names of the smallest useful import from the package's main entry. */
  readonly import?: ReadonlyArray<string>
  /** Bytes of a minified bundle of that import, without effect, dependencies of the runtime and the native binding. */
  readonly bundle?: number
}

const budgets: Readonly<Record<string, Budget>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "budgets.json"), "utf8"),
)

const excess = (what: string, bytes: number, limit: number): string | undefined =>
  bytes <= limit ? undefined : `${what}: ${bytes} bytes, above the budget of ${limit} in scripts/consumer/budgets.json`

/** Files that a tarball has no use for. */
const UNWANTED = /(?:^|\/)(?:test|node_modules|coverage)\/|\.tsbuildinfo$|\.test\./

export const checks: ReadonlyArray<Check> = [
  {
    name: "npm publish --dry-run",
    run: async ({ folder, name }) => {
      // --force: without the question which versions exist already, so that nothing is asked of the network.
      const args = ["publish", "--dry-run", "--force", "--offline", "--ignore-scripts", "--json"]
      const { code, err, out } = await run("npm", args, { folder })
      if (code !== 0) return `exit ${code}: ${tail(err)}`
      const report = JSON.parse(out)
      const { files } = (report[name] ?? report) as { files: ReadonlyArray<{ path: string }> }
      const paths = files.map(({ path }) => path)
      const missing = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"].filter(
        (file) => !paths.includes(file),
      )
      if (missing.length > 0) return `not packed: ${missing.join(", ")}`
      const unwanted = paths.filter((path) => UNWANTED.test(path))
      return unwanted.length === 0 ? undefined : `packed without need: ${unwanted.slice(0, 5).join(", ")}`
    },
  },
  {
    name: "publint --strict",
    run: async ({ tarball }, tools) => {
      const publint = join(tools, "node_modules", "publint", "src", "cli.js")
      const { code, err, out } = await run(process.execPath, [publint, "run", tarball, "--strict"], { folder: tools })
      return code === 0 ? undefined : tail(out + err)
    },
  },
  {
    name: "arethetypeswrong",
    run: async ({ entries, hidden, tarball }, tools) => {
      if (entries.length === 0) return undefined
      const attw = join(tools, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js")
      // ES modules only: nodenext and bundlers. CommonJS programs reach them by require, which "memory.cjs" shows.
      const args = [attw, tarball, "--profile", "esm-only", "--format", "ascii", "--no-emoji"]
      if (hidden.length > 0) args.push("--exclude-entrypoints", ...hidden.map((entry) => entry.slice(2)))
      const { code, err, out } = await run(process.execPath, args, { folder: tools })
      return code === 0 ? undefined : tail(out + err, 40)
    },
  },
  {
    name: "size of the tarball",
    run: async ({ name, tarball }) => {
      const budget = budgets[name]
      const { size } = statSync(tarball)
      if (budget === undefined) return `${size} bytes; scripts/consumer/budgets.json has no budget for ${name}`
      return excess("tarball", size, budget.tarball)
    },
  },
]

/** Undefined if each package's minimal import stays within its budget. The folder is a project with all packages and esbuild. */
export const bundleSizes = async (folder: string, names: ReadonlyArray<string>): Promise<string | undefined> => {
  const problems: Array<string> = []
  for (const name of names) {
    const budget = budgets[name]
    if (budget?.import === undefined || budget.bundle === undefined) continue
    writeFileSync(join(folder, "minimal.mjs"), `export { ${budget.import.join(", ")} } from ${JSON.stringify(name)}\n`)
    const args = [
      join(folder, "node_modules", "esbuild", "bin", "esbuild"),
      "minimal.mjs",
      "--bundle",
      "--minify",
      "--platform=node",
      "--format=esm",
      "--outfile=minimal-bundle.mjs",
      "--external:effect",
      "--external:@effect/*",
      "--external:@number0/iroh",
    ]
    const { code, err } = await run(process.execPath, args, { folder })
    if (code !== 0) problems.push(`${name}: ${tail(err)}`)
    else {
      const problem = excess(
        `${name}: minimal import`,
        statSync(join(folder, "minimal-bundle.mjs")).size,
        budget.bundle,
      )
      if (problem !== undefined) problems.push(problem)
    }
  }
  return problems.length === 0 ? undefined : problems.join("\n")
}
