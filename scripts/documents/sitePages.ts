/**
 * The documents as pages of the site: copies with a title and a place in the contents. A link to a document of the site stays a link; one to
 * a source file or a folder, which the site does not have, becomes its text.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const root = join(import.meta.dirname, "../..")

/** A document of the site. */
interface Page {
  /** From the repository's root. */
  readonly path: string
  readonly category: "Guides" | "Packages" | "Reference" | "Decisions"
}

const readDocument = (path: string): string => readFileSync(join(root, path), "utf8")

/** All pages in the order of the contents, without the front page. */
const pages = (): ReadonlyArray<Page> => {
  const guides = [...readDocument("docs/guides/README.md").matchAll(/\]\(([\w./-]+\.md)\)/g)].map(([, path]) =>
    normalize(join("docs/guides", path!)),
  )
  const packages = readdirSync(join(root, "packages"))
    .filter((name) => existsSync(join(root, "packages", name, "README.md")))
    .map((name) => `packages/${name}/README.md`)
  const decisions = readdirSync(join(root, "docs/decisions")).map((name) => `docs/decisions/${name}`)
  const reference = [
    "docs/configuration.md",
    "docs/platforms.md",
    "docs/performance.md",
    "docs/benchmarks/README.md",
    "docs/lab-notes.md",
    "ARCHITECTURE.md",
    "PROTOCOL.md",
    "SECURITY.md",
    "INTEROP.md",
    "CONTRIBUTING.md",
    "examples/README.md",
  ]
  return [
    ...["docs/guides/README.md", ...guides].map((path) => ({ path, category: "Guides" as const })),
    ...packages.map((path) => ({ path, category: "Packages" as const })),
    ...reference.map((path) => ({ path, category: "Reference" as const })),
    ...decisions.sort().map((path) => ({ path, category: "Decisions" as const })),
  ]
}

const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1]?.replaceAll("`", "") ?? "Untitled"

/** Writes the pages below the folder, and gives the front page and the others. */
export const writeSitePages = (folder: string): { readonly front: string; readonly others: ReadonlyArray<string> } => {
  rmSync(folder, { recursive: true, force: true })
  const all = pages()
  const known = new Set(["README.md", ...all.map(({ path }) => path)])
  const write = (path: string, header: string, isFront = false): string => {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    const text = readDocument(path).replaceAll(
      /(!?)\[((?:`[^`]*`|[^\]])*)\]\(([^)\s]+)\)/g,
      (link, bang: string, words: string, to: string) => {
        if (/^[a-z]+:/.test(to) || to.startsWith("#")) return link
        const file = normalize(join(dirname(path), to.split("#")[0]!))
        if (known.has(file)) return link
        if (bang === "" || !existsSync(join(root, file))) return words
        mkdirSync(dirname(join(folder, file)), { recursive: true })
        copyFileSync(join(root, file), join(folder, file))
        return link
      },
    )
    // The generator writes the title of the front page.
    writeFileSync(target, header + (isFront ? text.replace(/^# .*\n/, "") : text))
    return target
  }
  const front = write("README.md", "", true)
  const others = all.map(({ category, path }) =>
    write(path, `---\ntitle: ${JSON.stringify(titleOf(readDocument(path)))}\ncategory: ${category}\n---\n\n`),
  )
  return { front, others }
}
