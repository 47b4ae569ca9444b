/** The tests of the packed packages: each case is a program, a compiler or a bundler, with its expected result. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { typescriptBlocks } from "../documents/blocks.ts"
import { packagesOf } from "../packages/packagesOf.ts"
import { bundleSizes } from "./checks.ts"
import { type Ended, run, tail } from "./run.ts"

/** The surroundings of a case: a consumer's project, and the tools next to it. */
export interface Bench {
  readonly folder: string
  /** The folder of the runtimes' node_modules. */
  readonly tools: string
  /** The repository, for its documents. */
  readonly root: string
  /** All packed packages. */
  readonly names: ReadonlyArray<string>
}

export interface Case {
  /** The row of the table: a runtime, a compiler or a bundler with its version. */
  readonly name: string
  /** The test in a few words, for the table. */
  readonly does: string
  /** The reason of its failure, or undefined. */
  readonly run: (bench: Bench) => Promise<string | undefined>
}

const architecture = process.arch === "arm64" ? "aarch64" : "x64"

/** Runtimes and pnpm from the registry, so that the machine needs none of them. */
export const RUNTIMES: Readonly<Record<string, string>> = {
  pnpm: "10.34.9",
  node20: `npm:node-linux-${process.arch}@20.19.6`,
  node22: `npm:node-linux-${process.arch}@22.12.0`,
  node24: `npm:node-linux-${process.arch}@24.21.0`,
  [`@oven/bun-linux-${architecture}`]: "1.4.5",
  [`@deno/linux-${process.arch === "arm64" ? "arm64" : "x64"}-glibc`]: "2.9.6",
}

/** Compilers, bundlers, the test runner and the binding, in the consumer's own node_modules. */
export const TOOLS: Readonly<Record<string, string>> = {
  // A bundle leaves the native binding outside, and imports it from the folder that it runs in.
  "@number0/iroh": "1.1.0",
  "@effect/vitest": "4.0.5",
  esbuild: "0.28.2",
  rolldown: "1.3.3",
  typescript5: "npm:typescript@5.9.3",
  typescript7: "npm:typescript@7.0.2",
  vitest: "5.1.1",
  webpack: "5.113.0",
}

const NODE_20 = "node20/bin/node"
const NODE_22 = "node22/bin/node"
const NODE_24 = "node24/bin/node"
const BUN = `@oven/bun-linux-${architecture}/bin/bun`
const DENO = `@deno/linux-${process.arch === "arm64" ? "arm64" : "x64"}-glibc/deno`

/** Undefined if the program succeeded, that is if the last word that it printed is "met"; else the error. */
const met = ({ code, out, err }: Ended): string | undefined =>
  code === 0 && out.trim().endsWith("met") ? undefined : `exit ${code}: ${tail(err || out)}`

const runtime =
  (program: string, ...args: ReadonlyArray<string>): Case["run"] =>
  async ({ folder, tools }) =>
    met(await run(join(tools, "node_modules", program), args, { folder, limitMs: 90_000 }))

const COMMAND = "node_modules/@topic-tracker/cli/dist/bundle/topic-tracker.js"

/** The command as it was installed: twice, so that the second start has the compiled code of the first, and then with all that it loads. */
const command =
  (program: string): Case["run"] =>
  async ({ folder, tools }) => {
    const node = join(tools, "node_modules", program)
    const start = (...args: ReadonlyArray<string>) =>
      run(node, [COMMAND, ...args], { folder, env: { TOPIC_TRACKER_CACHE: join(folder, "cache") }, limitMs: 60_000 })
    for (const { code, err, out } of [await start("--version"), await start("--version")]) {
      if (code !== 0 || err !== "" || !out.startsWith("topic-tracker v")) return `exit ${code}: ${tail(err || out)}`
    }
    const { code, err, out } = await start("demo")
    return code === 0 && out.includes("Every node heard every other.") ? undefined : `exit ${code}: ${tail(err || out)}`
  }

/** Bundles `meet.mjs` and runs the result; the iroh binding stays outside, because it is a native addon. */
const bundled =
  (bundle: string, args: (folder: string) => ReadonlyArray<string>, output: string): Case["run"] =>
  async ({ folder, tools }) => {
    const node = join(tools, "node_modules", NODE_24)
    const made = await run(node, [join(folder, "node_modules", bundle), ...args(folder)], { folder })
    if (made.code !== 0) return `exit ${made.code}: ${tail(made.err || made.out)}`
    return met(await run(node, [output], { folder, limitMs: 60_000 }))
  }

const OPTIONS = {
  target: "es2023",
  // Effect's own declarations name types of the DOM.
  lib: ["es2024", "dom", "dom.iterable"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  declaration: true,
  skipLibCheck: false,
  rootDir: ".",
  outDir: "out",
  noEmitOnError: false,
} as const

const MODULES = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
} as const

/** Compiles files of the project with declarations. */
const compiles = (
  compiler: "typescript5" | "typescript7",
  resolution: keyof typeof MODULES,
  files: (bench: Bench) => ReadonlyArray<string>,
): Case["run"] => {
  return async (bench) => {
    const { folder, tools } = bench
    const config = join(folder, `tsconfig.${compiler}.${resolution}.json`)
    const outDir = `out-${compiler}-${resolution}`
    const compilerOptions = { ...OPTIONS, ...MODULES[resolution], outDir }
    writeFileSync(config, JSON.stringify({ compilerOptions, files: files(bench) }))
    const tsc = join(folder, "node_modules", compiler, "bin", "tsc")
    const { code, out } = await run(join(tools, "node_modules", NODE_24), [tsc, "-p", config], { folder })
    if (code !== 0) return `exit ${code}: ${out.trim().split("\n").slice(0, 30).join("\n")}`
    return unportable(join(folder, outDir))
  }
}

/**
 * The paths into node_modules that the compiler wrote into declarations because it knew no other name for a type. Such a
 * declaration is wrong in every other folder; in some layouts the compiler refuses to write it (TS2742, TS2883).
 */
const unportable = (folder: string): string | undefined => {
  const found = new Set<string>()
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(".d.ts")) continue
    const text = readFileSync(join(folder, name), "utf8")
    for (const [, path, type] of text.matchAll(/import\("([^"]*(?:node_modules|\.pnpm)[^"]*)"[^)]*\)\.(\w+)/g)) {
      found.add(`${name}: ${type} of ${path!.replace(/^.*node_modules\//, "")}`)
    }
  }
  return found.size === 0 ? undefined : `types without a public name:\n${[...found].sort().join("\n")}`
}

/** A consumer cannot install what the documents of these folders import. */
const unpublished = (root: string): ReadonlyArray<string> =>
  packagesOf(root)
    .filter(({ isPublished }) => !isPublished)
    .map(({ folder }) => folder)

/** The blocks of the documents as modules `block-N.ts`, each headed by the place it comes from. */
const documentBlocks = ({ folder, root }: Bench): ReadonlyArray<string> =>
  typescriptBlocks(root, unpublished(root)).map(({ code, where }, index) => {
    const name = `block-${index}.ts`
    writeFileSync(join(folder, name), `// ${where}\n${code}\nexport {}\n`)
    return name
  })

const publicValues = ({ folder }: Bench): ReadonlyArray<string> => {
  readFileSync(join(folder, "publicValues.ts"))
  return ["uses.ts", "publicValues.ts"]
}

/** The consumer that names @topic-tracker/core alone: the strictest one for declarations. */
export const coreOnlyCases: ReadonlyArray<Case> = [
  ...(["typescript5", "typescript7"] as const).flatMap((compiler) =>
    (["nodenext", "bundler"] as const).map((resolution) => ({
      name: compiler === "typescript5" ? "TypeScript 5.9.3" : "TypeScript 7.0.2",
      does: `declarations of core's public values, core alone installed, ${resolution}`,
      run: compiles(compiler, resolution, publicValues),
    })),
  ),
]

/** The consumer that names every package. */
export const allPackagesCases: ReadonlyArray<Case> = [
  { name: "Node 20.19.6", does: "two nodes meet, ES modules", run: runtime(NODE_20, "meet.mjs") },
  { name: "Node 22.12.0", does: "two nodes meet, ES modules", run: runtime(NODE_22, "meet.mjs") },
  { name: "Node 24.21.0", does: "two nodes meet, ES modules", run: runtime(NODE_24, "meet.mjs") },
  { name: "Node 20.19.6", does: "a world in memory, CommonJS", run: runtime(NODE_20, "memory.cjs") },
  { name: "Node 22.12.0", does: "a world in memory, CommonJS", run: runtime(NODE_22, "memory.cjs") },
  { name: "Node 24.21.0", does: "a world in memory, CommonJS", run: runtime(NODE_24, "memory.cjs") },
  {
    name: "Node 24.21.0",
    does: "two nodes meet, --frozen-intrinsics",
    run: runtime(NODE_24, "--frozen-intrinsics", "meet.mjs"),
  },
  {
    name: "Node 24.21.0",
    does: "worker threads: a world in memory works, sockets are refused",
    run: runtime(NODE_24, "worker.mjs"),
  },
  {
    name: "Node 24.21.0",
    does: "--no-addons: refused with the cause",
    run: async ({ folder, tools }) => {
      const { code, err } = await run(join(tools, "node_modules", NODE_24), ["--no-addons", "meet.mjs"], { folder })
      return code === 1 && err.includes("native addons are disabled") ? undefined : `exit ${code}: ${tail(err)}`
    },
  },
  {
    name: "Node 24.21.0",
    does: "a program in a simulation, twice the same",
    run: async ({ folder, tools }) => {
      const node = join(tools, "node_modules", NODE_24)
      const [first, second] = [
        await run(node, ["simulate.ts"], { folder }),
        await run(node, ["simulate.ts"], { folder }),
      ]
      if (first.code !== 0) return `exit ${first.code}: ${tail(first.err || first.out)}`
      return first.out === second.out ? undefined : `two runs differ: ${tail(first.out)} and ${tail(second.out)}`
    },
  },
  { name: "Node 22.12.0", does: "the command topic-tracker", run: command(NODE_22) },
  { name: "Node 24.21.0", does: "the command topic-tracker", run: command(NODE_24) },
  { name: "Bun 1.4.5", does: "two nodes meet", run: runtime(BUN, "run", "meet.mjs") },
  { name: "Deno 2.9.6", does: "two nodes meet", run: runtime(DENO, "run", "-A", "meet.mjs") },
  {
    name: "esbuild 0.28.2",
    does: "bundle of two nodes that meet",
    run: bundled(
      "esbuild/bin/esbuild",
      () => [
        "meet.mjs",
        "--bundle",
        "--platform=node",
        "--format=esm",
        "--outfile=bundle-esbuild.mjs",
        "--external:@number0/iroh",
        "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
      ],
      "bundle-esbuild.mjs",
    ),
  },
  {
    name: "rolldown 1.3.3",
    does: "bundle of two nodes that meet",
    run: bundled(
      "rolldown/bin/cli.mjs",
      () => ["meet.mjs", "--platform", "node", "--dir", "bundle-rolldown", "--external", "@number0/iroh"],
      "bundle-rolldown/meet.js",
    ),
  },
  {
    name: "webpack 5.113.0",
    does: "bundle of two nodes that meet",
    run: async ({ folder, tools }) => {
      const node = join(tools, "node_modules", NODE_24)
      const made = await run(node, ["webpack.mjs"], { folder })
      if (made.code !== 0) return `exit ${made.code}: ${tail(made.err || made.out)}`
      return met(await run(node, ["bundle-webpack/main.mjs"], { folder, limitMs: 60_000 }))
    },
  },
  {
    name: "esbuild 0.28.2",
    does: "minified bundle of each package's smallest import, within its budget",
    run: ({ folder, names }) => bundleSizes(folder, names),
  },
  {
    name: "vitest 5.1.1",
    does: "a test in a world in memory",
    run: async ({ folder, tools }) => {
      const vitest = join(folder, "node_modules", "vitest", "vitest.mjs")
      const node = join(tools, "node_modules", NODE_24)
      const { code, out, err } = await run(node, [vitest, "run", "world.test.mjs"], { folder })
      return code === 0 ? undefined : `exit ${code}: ${tail(out + err)}`
    },
  },
  ...(["typescript5", "typescript7"] as const).map((compiler) => ({
    name: compiler === "typescript5" ? "TypeScript 5.9.3" : "TypeScript 7.0.2",
    does: "declarations of every public value of every package",
    run: compiles(compiler, "nodenext", publicValues),
  })),
  {
    name: "TypeScript 7.0.2",
    does: "every TypeScript block of every document",
    run: compiles("typescript7", "nodenext", documentBlocks),
  },
]
