/**
 * Bundles the command `topic-tracker` for publishing: the program, the parts of it that a subcommand needs, the worker programs of
 * simulations, which share those parts, and the chart library. It is in parts, because a start reads only what it needs: as one file every start
 * would take twice the time. Native parts stay a dependency. `npm run -s bundle [-- FOLDER]`.
 */
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { rolldown } from "rolldown"

const root = join(import.meta.dirname, "..")
const folder = process.argv[2] ?? join(root, "packages", "cli", "dist", "bundle")

/** Native code cannot be bundled. */
const EXTERNAL = [/^@number0\/iroh/]

/** The name of the program. */
const PROGRAM = "topic-tracker"

/** The way to the chart library in the sources, and beside the bundle, which has no packages. */
const CHARTS = 'createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js")'
const CHARTS_BESIDE = 'new URL("./echarts.min.js", import.meta.url)'

/** Writes the programs and what they share, and gives all code and the modules that are in it. */
const write = async (input: Readonly<Record<string, string>>) => {
  const bundle = await rolldown({
    input: { ...input },
    platform: "node",
    external: EXTERNAL,
    resolve: { conditionNames: ["@topic-tracker/source", "node", "import", "module", "default"] },
    logLevel: "warn",
    plugins: [{ name: "charts", transform: (code) => code.replaceAll(CHARTS, CHARTS_BESIDE) }],
  })
  try {
    const { output } = await bundle.write({
      dir: folder,
      format: "esm",
      entryFileNames: "[name].js",
      // Without a hash: Node keeps the compiled code of a file by its path, and a new version takes the place of the one before.
      chunkFileNames: "[name].js",
      comments: false,
      // An error that nobody caught is printed with its line: that is to be a line. It costs 7 % of the package and no time.
      minify: false,
    })
    const chunks = output.filter((each) => each.type === "chunk")
    return { code: chunks.map((chunk) => chunk.code), modules: chunks.flatMap(({ moduleIds }) => moduleIds) }
  } finally {
    await bundle.close()
  }
}

/** The folder of the package that has the module. */
const packageOf = (module: string): string | undefined => {
  let at = dirname(module)
  while (at !== dirname(at) && !existsSync(join(at, "package.json"))) at = dirname(at)
  if (at === dirname(at)) return undefined
  // Some packages have a package.json without a name in a subfolder.
  const { name } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"))
  return typeof name === "string" ? at : packageOf(at)
}

/** The licences of the packages whose code is in the bundle: they ask for their text to go with it. */
const licencesOf = (modules: ReadonlyArray<string>): string => {
  const folders = new Set(modules.filter((id) => id.includes("node_modules")).map(packageOf))
  const texts = [...folders].flatMap((at) => {
    if (at === undefined) return []
    const { license, name, version } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"))
    const file = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"].find((each) =>
      existsSync(join(at, each)),
    )
    const text = file === undefined ? "" : `\n\n${readFileSync(join(at, file), "utf8").trim()}`
    return [`${name} ${version} (${license})${text}`]
  })
  return `${texts.sort().join(`\n\n${"-".repeat(80)}\n\n`)}\n`
}

rmSync(folder, { recursive: true, force: true })
const source = (path: string) => join(root, "packages", path)
const { code, modules } = await write({
  [PROGRAM]: source("cli/src/topicTracker.ts"),
  gossipWorker: source("simulation/src/run/gossipWorker.ts"),
  topicWorker: source("simulation/src/run/topicWorker.ts"),
  inside: source("simulation/src/sockets/inside.ts"),
})
const charts = createRequire(source("simulation/package.json")).resolve("echarts/dist/echarts.min.js")
copyFileSync(charts, join(folder, "echarts.min.js"))
writeFileSync(join(folder, "LICENSES.txt"), licencesOf([...modules, charts]))
// A report of the simulator and the page of the monitor: both would find the library in the workspace only.
if (code.some((each) => each.includes("echarts/dist")) || !code.some((each) => each.includes("./echarts.min.js")))
  throw new Error("the chart library has a path of the workspace")
const bytes = code.reduce((sum, each) => sum + Buffer.byteLength(each), 0)
console.log(`${PROGRAM}: ${code.length} files, ${Math.round(bytes / 1_000)} kB`)
