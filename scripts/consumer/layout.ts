/**
 * A consumer's project: a folder outside of the workspace in which the packed packages are installed, in one of the two layouts
 * that package managers make.
 */
import { cpSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Packed } from "./pack.ts"
import { mustRun } from "./run.ts"

/**
 * - `flat`: every package in one node_modules (npm, yarn);
 * - `linked`: each package sees its own dependencies only (pnpm).
 */
export type Layout = "flat" | "linked"

/** The consumer's own dependencies, in the versions that this repository is tested with. */
export const VERSIONS = {
  effect: "4.1.0",
  "@effect/platform-node": "4.1.0",
  "@types/node": "24.19.2",
} as const

/** Makes the project and installs; gives its folder. */
export const makeProject = async (options: {
  readonly folder: string
  readonly layout: Layout
  readonly packed: ReadonlyArray<Packed>
  /** Those of our packages that the consumer's package.json names. The others come as dependencies of these. */
  readonly named: ReadonlyArray<string>
  /** Further packages from the registry, name to version. */
  readonly dependencies: Readonly<Record<string, string>>
  readonly programs: string
  /** The folder in whose node_modules pnpm is. */
  readonly tools: string
}): Promise<string> => {
  const { folder, layout, packed, named, dependencies, programs, tools } = options
  mkdirSync(folder, { recursive: true })
  const tarballs = Object.entries(Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`])))
  const own = Object.fromEntries(tarballs.filter(([name]) => named.includes(name)))
  // Our packages are not published yet, so those that come as dependencies are taken from the tarballs too.
  const others = Object.fromEntries(tarballs.filter(([name]) => !named.includes(name)))
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name: "consumer",
      private: true,
      type: "module",
      dependencies: { ...VERSIONS, ...dependencies, ...own },
      overrides: others,
    }),
  )
  if (layout === "flat") {
    await mustRun("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { folder })
  } else {
    writeFileSync(join(folder, "pnpm-workspace.yaml"), JSON.stringify({ overrides: Object.fromEntries(tarballs) }))
    const pnpm = join(tools, "node_modules", "pnpm", "bin", "pnpm.cjs")
    await mustRun(process.execPath, [pnpm, "install", "--ignore-scripts", "--no-frozen-lockfile"], { folder })
  }
  cpSync(programs, folder, { recursive: true })
  return folder
}
