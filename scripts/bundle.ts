/**
 * Bundles the command `topic-tracker` for publishing: one file, which starts fast, and beside it the worker programs and the chart
 * library of simulations, which are loaded only by them. Native parts stay a dependency. `npm run -s bundle [-- FOLDER]`.
 */
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
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

interface Bundle {
  readonly input: Readonly<Record<string, string>>
  /** All code in the one file, also what is loaded later. */
  readonly inOneFile: boolean
}

/** Writes a bundle, and gives the modules that are in it. */
const write = async ({ inOneFile, input }: Bundle): Promise<ReadonlyArray<string>> => {
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
      chunkFileNames: "[name]-[hash].js",
      codeSplitting: !inOneFile,
      comments: false,
      minify: { mangle: false, compress: false, codegen: true },
    })
    return output.flatMap((each) => (each.type === "chunk" ? each.moduleIds : []))
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
const command = await write({ input: { [PROGRAM]: source("cli/src/topicTracker.ts") }, inOneFile: true })
const workers = await write({
  input: {
    gossipWorker: source("simulation/src/run/gossipWorker.ts"),
    topicWorker: source("simulation/src/run/topicWorker.ts"),
    inside: source("simulation/src/sockets/inside.ts"),
  },
  inOneFile: false,
})
const charts = createRequire(source("simulation/package.json")).resolve("echarts/dist/echarts.min.js")
copyFileSync(charts, join(folder, "echarts.min.js"))
writeFileSync(join(folder, "LICENSES.txt"), licencesOf([...command, ...workers, charts]))
const code = readFileSync(join(folder, `${PROGRAM}.js`), "utf8")
// A report of the simulator and the page of the monitor: both would find the library in the workspace only.
if (code.includes("echarts/dist") || !code.includes("./echarts.min.js"))
  throw new Error("the chart library has a path of the workspace")
console.log(`${PROGRAM}.js: ${Math.round(statSync(join(folder, `${PROGRAM}.js`)).size / 1_000)} kB`)
