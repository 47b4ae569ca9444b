/**
 * Takes the code blocks out of Markdown documents. The words after the language in a block's first line tell how it is checked; a renderer
 * ignores them. It does not know what a language means.
 */
import { readFileSync } from "node:fs"
import { relative } from "node:path"
import { filesBelow } from "../filesBelow.ts"

/** A fenced code block and its place. */
export interface Fence {
  /** The document's path from the root. */
  readonly document: string
  /** The document and the line, such as "README.md:40". */
  readonly where: string
  /** Empty if it has none. */
  readonly language: string
  /** The words after the language. */
  readonly words: string
  readonly code: string
}

/** All blocks of one document. */
export const fencesIn = (document: string, text: string): ReadonlyArray<Fence> => {
  const fences: Array<Fence> = []
  let open: { readonly line: number; readonly language: string; readonly words: string } | undefined
  let code: Array<string> = []
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^ *```(\S*) *(.*)$/.exec(line)
    if (fence === null) code.push(line)
    else if (open === undefined) {
      open = { line: index + 1, language: fence[1]!, words: fence[2]! }
      code = []
    } else {
      const { language, line, words } = open
      fences.push({
        document,
        where: `${document}:${line}`,
        language,
        words,
        code: code.map((each) => `${each}\n`).join(""),
      })
      open = undefined
    }
  }
  return fences
}

/** All blocks of all documents below the root. */
export const fencesBelow = (root: string): ReadonlyArray<Fence> =>
  filesBelow(root, ".md").flatMap((path) => fencesIn(relative(root, path), readFileSync(path, "utf8")))

/** The value of a word such as `prints="hello"`. */
export const valueOf = ({ words }: Fence, name: string): string | undefined =>
  new RegExp(`(?:^| )${name}=(?:"([^"]*)"|(\\S+))`)
    .exec(words)
    ?.slice(1)
    .find((value) => value !== undefined)
