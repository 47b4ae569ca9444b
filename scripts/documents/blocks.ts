/**
 * Takes the TypeScript blocks out of Markdown documents, each to be compiled and run as a module of its own. The words after `ts` in a
 * block's first line tell how it runs; a renderer ignores them.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join, relative } from "node:path"

/** A code block and its place. */
export interface Block {
  /** Its file and line, such as "README.md:40". */
  readonly where: string
  readonly code: string
  /** A part of a line that each process of it prints (`ts prints="hello"`). Without it, the program has to end by itself. */
  readonly prints: string | undefined
  /** The arguments of its processes (`args="--name ada"`). */
  readonly args: ReadonlyArray<string>
  /** The number of processes that run it at once (`nodes=1`): 2 if it prints something, else 1. */
  readonly nodes: number
}

/** All blocks marked `ts` or `typescript` of the documents below the folder. Dependencies, and folders of `without`, do not count. */
export const typescriptBlocks = (root: string, without: ReadonlyArray<string> = []): ReadonlyArray<Block> =>
  filesBelow(root, ".md").flatMap((path) => {
    if (without.some((folder) => path.startsWith(join(root, folder, "/")))) return []
    const text = readFileSync(path, "utf8")
    return [...text.matchAll(/^```(?:ts|typescript)\b([^\n]*)\n([\s\S]*?)^```/gm)].map((match) => {
      const prints = /prints="([^"]+)"/.exec(match[1]!)?.[1]
      return {
        where: `${relative(root, path)}:${text.slice(0, match.index).split("\n").length}`,
        code: match[2]!,
        prints,
        args: /args="([^"]+)"/.exec(match[1]!)?.[1]?.split(" ") ?? [],
        nodes: Number(/nodes=(\d)/.exec(match[1]!)?.[1] ?? (prints === undefined ? 1 : 2)),
      }
    })
  })

/** The examples in the comments of published packages: fragments, which the reference shows beside a name. */
export const commentExamples = (root: string): ReadonlyArray<Pick<Block, "where" | "code">> => {
  const hidden = privateFolders(root)
  return filesBelow(join(root, "packages"), ".ts").flatMap((path) => {
    const place = relative(root, path)
    if (!/^packages\/[\w-]+\/src\//.test(place) || hidden.some((folder) => place.startsWith(`${folder}/`))) return []
    const text = readFileSync(path, "utf8")
    return [...text.matchAll(/@example\n\s*\* ```ts\n([\s\S]*?)\* ```/g)].map((match) => ({
      where: `${place}:${text.slice(0, match.index).split("\n").length + 1}`,
      code: match[1]!.replaceAll(/^ *\* ?/gm, ""),
    }))
  })
}

/** The folders of packages that are not published: a consumer cannot install what their documents import. */
export const privateFolders = (root: string): ReadonlyArray<string> =>
  readdirSync(join(root, "packages"))
    .map((name) => join("packages", name))
    .filter((folder) => {
      const manifest = join(root, folder, "package.json")
      return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).private === true
    })

const filesBelow = (folder: string, ending: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    if (["node_modules", ".git", "dist", "target"].includes(name)) return []
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return filesBelow(path, ending)
    return name.endsWith(ending) ? [path] : []
  })
