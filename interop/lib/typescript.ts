/** How the TypeScript programs are run: from their sources, with the Node that runs the tests. */

/** The absolute path of a file beside this one. */
export const script = (relative: string): string => new URL(relative, import.meta.url).pathname

export const typescript = {
  node: process.execPath,
  args: ["--conditions=@topic-tracker/source", script("../peer-ts/main.ts")],
} as const

/** The command line program that users run. */
export const cli = {
  node: process.execPath,
  args: ["--conditions=@topic-tracker/source", script("../../packages/cli/src/node.ts")],
} as const
