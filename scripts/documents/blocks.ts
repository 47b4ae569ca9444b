/**
 * The TypeScript blocks of Markdown documents, each to be compiled and run as a module of its own. The words after `ts` in a block's first
 * line tell how it runs.
 */
import { readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { filesBelow } from "../filesBelow.ts"
import { publishedPackagesOf } from "../packages/packagesOf.ts"
import { fencesBelow, valueOf } from "./fences.ts"

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

/** All blocks marked `ts` or `typescript` of the documents below the root. Those below folders of `without` do not count. */
export const typescriptBlocks = (root: string, without: ReadonlyArray<string> = []): ReadonlyArray<Block> =>
  fencesBelow(root)
    .filter(
      ({ document, language }) => isTypescript(language) && !without.some((each) => document.startsWith(`${each}/`)),
    )
    .map((fence) => {
      const prints = valueOf(fence, "prints")
      return {
        where: fence.where,
        code: fence.code,
        prints,
        args: valueOf(fence, "args")?.split(" ") ?? [],
        nodes: Number(valueOf(fence, "nodes") ?? (prints === undefined ? 1 : 2)),
      }
    })

export const isTypescript = (language: string): boolean => language === "ts" || language === "typescript"

/** The examples in the comments of published packages: fragments, which the reference shows beside a name. */
export const commentExamples = (root: string): ReadonlyArray<Pick<Block, "where" | "code">> => {
  const sources = publishedPackagesOf(root).map(({ folder }) => join(root, folder, "src"))
  return sources
    .flatMap((folder) => filesBelow(folder, ".ts"))
    .flatMap((path) => {
      const place = relative(root, path)
      const text = readFileSync(path, "utf8")
      return [...text.matchAll(/@example\n\s*\* ```ts\n([\s\S]*?)\* ```/g)].map((match) => ({
        where: `${place}:${text.slice(0, match.index).split("\n").length + 1}`,
        code: match[1]!.replaceAll(/^ *\* ?/gm, ""),
      }))
    })
}
