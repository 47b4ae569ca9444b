/**
 * `npm run test:consumer`: packs every public package from a clean clone, installs the tarballs in projects outside of the
 * workspace, and uses them there as consumers do. It writes the table of what ran where into docs/platforms.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { allPackagesCases, type Bench, type Case, coreOnlyCases, RUNTIMES, TOOLS } from "./cases.ts"
import { checks, LINTERS } from "./checks.ts"
import { type Layout, makeProject } from "./layout.ts"
import { type Packed, packAll } from "./pack.ts"
import { mustRun, twoAtOnce } from "./run.ts"
import { type Row, tableOf, writeTable } from "./table.ts"

const USAGE = `npm run test:consumer [-- [--filter TEXT] [--layout flat|linked] [--keep]]

Packs every public package from a clean clone, checks each tarball (a dry run of its release, its package.json, types and size),
installs them in flat and linked layouts, compiles and runs them there, and writes docs/platforms.md. --filter TEXT: only checks and cases whose name contains TEXT (the document is not written then). --keep: keep the folder.
The last line is "N passed, N failed".`

const root = join(import.meta.dirname, "..", "..")

const readArguments = () => {
  try {
    const { values } = parseArgs({
      options: {
        filter: { type: "string" },
        layout: { type: "string" },
        keep: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    })
    if (values.layout !== undefined && values.layout !== "flat" && values.layout !== "linked") {
      throw new Error(`--layout: ${JSON.stringify(values.layout)} is not flat or linked`)
    }
    return values
  } catch (error) {
    console.error(error instanceof Error ? error.message.replaceAll("\n", " ") : String(error))
    process.exit(2)
  }
}

/** A project, and the module that exports its public values again. */
const prepare = async (
  folder: string,
  layout: Layout,
  packed: ReadonlyArray<Packed>,
  named: ReadonlyArray<string>,
  tools: string,
): Promise<string> => {
  const programs = join(import.meta.dirname, "programs")
  await makeProject({ folder, layout, packed, named, dependencies: TOOLS, programs, tools })
  const specifiers = packed
    .filter(({ name }) => named.includes(name))
    .flatMap(({ entries, name }) => entries.map((entry) => name + entry.slice(1)))
    // This one changes the process that imports it.
    .filter((specifier) => !specifier.endsWith("/smallHeap"))
  writeFileSync(join(folder, "specifiers.json"), JSON.stringify(specifiers))
  const loader = `
    import { publicValuesModule } from ${JSON.stringify(join(import.meta.dirname, "publicValues.ts"))}
    import { writeFileSync } from "node:fs"
    writeFileSync("publicValues.ts", await publicValuesModule(${JSON.stringify(specifiers)}, (name) => import(name)))`
  writeFileSync(join(folder, "makePublicValues.mjs"), loader)
  await mustRun(process.execPath, ["makePublicValues.mjs"], { folder })
  return folder
}

/** The result of a check or a case; it passed if there is no problem. */
interface Result {
  readonly title: string
  readonly problem: string | undefined
}

/** Counts what passed and failed, and prints it in sections: two of them may be made at the same time. */
const makeReport = () => {
  const counts = { passed: 0, failed: 0 }
  const print = (heading: string, results: ReadonlyArray<Result>): void => {
    console.log(`\n${heading}`)
    for (const { problem, title } of results) {
      counts[problem === undefined ? "passed" : "failed"]++
      console.log(`  ${problem === undefined ? "ok    " : "FAILED"}  ${title}`)
      if (problem !== undefined) console.log(problem.replaceAll(/^/gm, "          "))
    }
  }
  return { print, counts }
}

const main = async (): Promise<number> => {
  const { filter, help, keep, layout } = readArguments()
  if (help) {
    console.log(USAGE)
    return 0
  }
  const isChosen = (title: string) => filter === undefined || title.includes(filter)
  const work = mkdtempSync(join(tmpdir(), "topic-tracker-consumer-"))
  const report = makeReport()
  try {
    console.log("packing every public package from a clean clone …")
    const packed = await packAll(root, work)
    const tools = join(work, "tools")
    console.log("fetching the runtimes …")
    await mustRun("mkdir", ["-p", tools], { folder: work })
    const dependencies = { ...RUNTIMES, ...LINTERS }
    writeFileSync(join(tools, "package.json"), JSON.stringify({ private: true, dependencies }))
    await mustRun("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { folder: tools })
    for (const check of checks.filter(({ name }) => isChosen(name))) {
      const results = await twoAtOnce(packed, async (each) => ({
        title: each.name,
        problem: await check.run(each, tools).catch((error: unknown) => String(error)),
      }))
      report.print(check.name, results)
    }
    const layouts: ReadonlyArray<Layout> = layout === undefined ? ["flat", "linked"] : [layout as Layout]
    const names = packed.map(({ name }) => name)
    const projects: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<Case>]> = [
      ["all", names, allPackagesCases],
      ["core", ["@topic-tracker/core"], coreOnlyCases],
    ]
    // The two layouts are independent of each other: each has a folder of its own.
    const rowsOfLayouts = await twoAtOnce(layouts, async (each) => {
      const rows: Array<Row> = []
      for (const [title, named, cases] of projects) {
        const chosen = cases.filter(({ does, name }) => isChosen(`${name} ${does}`))
        if (chosen.length === 0) continue
        const folder = await prepare(join(work, `${each}-${title}`), each, packed, named, tools)
        const bench: Bench = { folder, tools, root, names }
        const results: Array<Result> = []
        for (const test of chosen) {
          const problem = await test.run(bench).catch((error: unknown) => String(error))
          rows.push({ layout: each, name: test.name, does: test.does, problem })
          results.push({ title: `${test.name}: ${test.does}`, problem })
        }
        report.print(`${each} layout, ${title === "all" ? "every package" : "core alone"} installed`, results)
      }
      return rows
    })
    if (filter === undefined && layout === undefined) {
      writeTable(join(root, "docs", "platforms.md"), tableOf(rowsOfLayouts.flat()))
    }
  } finally {
    if (keep) console.log(`kept ${work}`)
    else rmSync(work, { recursive: true, force: true })
  }
  const { failed, passed } = report.counts
  console.log(`\n${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

process.exit(await main())
