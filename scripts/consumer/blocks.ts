/** Takes the TypeScript blocks out of Markdown documents, each to be compiled as a module of its own. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join, relative } from "node:path"

/** A code block and its place. */
export interface Block {
  /** Its file and line, such as "README.md:40". */
  readonly where: string
  readonly code: string
}

/** All blocks marked `ts` or `typescript` of the documents below the folder. Dependencies, and folders of `without`, do not count. */
export const typescriptBlocks = (root: string, without: ReadonlyArray<string>): ReadonlyArray<Block> =>
  documentsBelow(root).flatMap((path) => {
    if (without.some((folder) => path.startsWith(join(root, folder, "/")))) return []
    const text = readFileSync(path, "utf8")
    return [...text.matchAll(/^```(?:ts|typescript)\b[^\n]*\n([\s\S]*?)^```/gm)].map((match) => ({
      where: `${relative(root, path)}:${text.slice(0, match.index).split("\n").length}`,
      code: match[1]!,
    }))
  })

const documentsBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    if (["node_modules", ".git", "dist", "target"].includes(name)) return []
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return documentsBelow(path)
    return name.endsWith(".md") ? [path] : []
  })
