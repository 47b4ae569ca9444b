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
 * - `linked`: each package sees its own dependencies only (pnpm, bun workspaces, npm's "linked" strategy).
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
  /** Which of our packages the consumer's package.json names. The others come as dependencies of these. */
  readonly named: ReadonlyArray<string>
  /** Further packages from the registry, name to version. */
  readonly tools: Readonly<Record<string, string>>
  readonly programs: string
}): Promise<string> => {
  const { folder, layout, packed, named, tools, programs } = options
  mkdirSync(folder, { recursive: true })
  const tarballOf = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]))
  const own = Object.fromEntries(named.map((name) => [name, tarballOf[name]]))
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name: "consumer",
      private: true,
      dependencies: { ...VERSIONS, ...tools, ...own },
      // Nothing of ours is published yet, so that the packages between them come from the tarballs too.
      overrides: Object.fromEntries(Object.entries(tarballOf).filter(([name]) => !named.includes(name))),
    }),
  )
  const strategy = layout === "linked" ? ["--install-strategy=linked"] : []
  await mustRun("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...strategy], { folder })
  cpSync(programs, folder, { recursive: true })
  return folder
}
